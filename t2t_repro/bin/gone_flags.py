"""tensor2tensor's flags that are not here, each with its reason.

A command line of tensor2tensor 1.15.7 meets one line that says what became of
the flag instead of "unknown flag". The same sentences stand in
docs/from_tensor2tensor.md; a test compares the two, and both with the flags
that the commands have. A reason that begins with "now --" names the new flag.
"""

_TPU = "TPUs are not supported; GPUs are found by themselves."
_PARAMETER_SERVERS = (
    "there are no parameter servers: every worker has all weights."
)
_MANY_MACHINES = "set TF_CONFIG on each worker, as tf.distribute reads it."
_CLOUD = "no cloud service is started from here."
_AUTOTUNE = "no search over hparams; start a run for each set."
_EVALUATION = "--local_eval_frequency alone says when dev data are evaluated."
_DEBUGGER = "it was TensorFlow 1's debugger."
_THREADS = "set TF_NUM_INTEROP_THREADS and TF_NUM_INTRAOP_THREADS instead."
_XLA = "now --xla: off, attention, replica or auto."
_OTHER_COMMAND_EXPORTS = "a training does not export its model."
_DECODING = "t2t-decoder, or t2t-translate-all for every checkpoint, does it."

# Defined for t2t-trainer; t2t-decoder took them along.
_SHARED = {
    "autotune_maximize": _AUTOTUNE,
    "autotune_max_trials": _AUTOTUNE,
    "autotune_objective": _AUTOTUNE,
    "autotune_parallel_trials": _AUTOTUNE,
    "cloud_mlengine": _CLOUD,
    "cloud_mlengine_master_type": _CLOUD,
    "cloud_tpu_name": _TPU,
    "dbgprofile": "no timeline of operations is written.",
    "enable_graph_rewriter": "TensorFlow 2 optimises its graphs by itself.",
    "eval_run_autoregressive": (
        "every evaluation translates --eval_bleu_sentences dev sentences."
    ),
    "eval_throttle_seconds": _EVALUATION,
    "eval_timeout_mins": _EVALUATION,
    "export_saved_model": _OTHER_COMMAND_EXPORTS,
    "export_saved_model_api_version": _TPU,
    "gpu_automatic_mixed_precision": (
        "t2t-trainer --precision=bfloat16 or float16 does it."
    ),
    "gpu_order": "set CUDA_VISIBLE_DEVICES instead.",
    "hparams_range": _AUTOTUNE,
    "inter_op_parallelism_threads": _THREADS,
    "intra_op_parallelism_threads": _THREADS,
    "iterations_per_loop": "a TPU's loop; each step is one call here.",
    "job-dir": "now --output_dir.",
    "keep_checkpoint_every_n_hours": (
        "--keep_checkpoint_max alone says which checkpoints stay; copy what"
        " you want to keep."
    ),
    "log_device_placement": (
        "call tf.debugging.set_log_device_placement in a --t2t_usr_dir."
    ),
    "log_step_count_steps": "the line of progress is always current.",
    "master": _MANY_MACHINES,
    "optionally_use_dist_strat": "tf.distribute.MirroredStrategy always runs.",
    "ps_gpu": _PARAMETER_SERVERS,
    "ps_job": _PARAMETER_SERVERS,
    "ps_replicas": _PARAMETER_SERVERS,
    "std_server_protocol": _MANY_MACHINES,
    "sync": "replicas always take a step together.",
    "tfdbg": _DEBUGGER,
    "tpu_infeed_sleep_secs": _TPU,
    "tpu_job_name": _TPU,
    "tpu_num_shards": _TPU,
    "use_guarantee_const_getter": _TPU,
    "use_tpu": _TPU,
    "use_tpu_estimator": _TPU,
    "worker_gpu_memory_fraction": (
        "set TF_FORCE_GPU_ALLOW_GROWTH=true to take only what is needed."
    ),
    "worker_job": _MANY_MACHINES,
    "worker_replicas": _MANY_MACHINES,
}

_OF_TRAINING = dict.fromkeys(
    (
        "eval_early_stopping_metric",
        "eval_early_stopping_metric_delta",
        "eval_early_stopping_metric_minimize",
        "eval_early_stopping_steps",
        "eval_steps",
        "generate_data",
        "keep_checkpoint_max",
        "local_eval_frequency",
        "profile",
        "save_checkpoints_secs",
        "schedule",
        "tmp_dir",
        "train_steps",
        "warm_start_from",
        "worker_gpu",
    ),
    "it is for t2t-trainer alone; leave it out.",
)

_NO_CHOICE = "there is no such choice in decoding."
_TASKS = "--num_concurrent_processes shares the work within one call."
_ENVIRONMENTS = "reinforcement learning is not supported."
_EVERY_TRANSLATION = (
    "t2t-translate-all --reference scores each checkpoint's translation."
)
_RUN_KNOWS = "the run directory (--model_dir) says it."

# Command -> flag -> why it is gone, or what to give instead.
GONE: dict[str, dict[str, str]] = {
    "t2t-trainer": {
        **_SHARED,
        "decode_from_file": _DECODING,
        "decode_hparams": _DECODING,
        "decode_reference": _DECODING,
        "decode_to_file": _DECODING,
        "eval_use_test_set": (
            "training looks at dev data alone; translate a test set with"
            " t2t-decoder."
        ),
        "worker_id": _MANY_MACHINES,
        "xla_compile": _XLA,
        "xla_jit_level": _XLA,
    },
    "t2t-decoder": {
        **_SHARED,
        **_OF_TRAINING,
        "decode_in_memory": "the output is written once, when it is whole.",
        "disable_grappler_optimizations": "it was for TensorFlow 1.",
        "keep_timestamp": (
            "t2t-translate-all writes the step into the file's name."
        ),
        "random_seed": "now --decode_hparams=random_seed=7.",
        "xla_compile": _NO_CHOICE,
        "xla_jit_level": _NO_CHOICE,
    },
    "t2t-datagen": {
        "env_problem_batch_size": _ENVIRONMENTS,
        "env_problem_max_env_steps": _ENVIRONMENTS,
        "exclude_problems": "one --problem is made at a time.",
        "max_cases": "data are made whole; give --tmp_dir a shorter text.",
        "num_shards": "the problem says it (train_shards).",
        "only_list": "now --registry_help.",
        "parsing_path": "now --tmp_dir: the trees are looked for there.",
        "random_seed": "the same text always makes the same files.",
        "task_id": _TASKS,
        "task_id_end": _TASKS,
        "task_id_start": _TASKS,
        "timit_paths": "audio is not supported.",
    },
    "t2t-bleu": {
        "bleu_variant": "now --t2t, which prints both variants.",
        "event_dir": _EVERY_TRANSLATION,
        "min_steps": _EVERY_TRANSLATION,
        "report_zero": "a BLEU that nobody measured is not written.",
        "source": "tensor2tensor did not read it either.",
        "tag_suffix": "take another --translations_dir of t2t-translate-all.",
        "translations_dir": _EVERY_TRANSLATION,
        "wait_minutes": _EVERY_TRANSLATION,
    },
    "t2t-avg-all": {
        "wait_minutes": (
            "t2t-trainer --average_last averages at the end of a training."
        ),
    },
    "t2t-translate-all": {
        "alpha": "now --decode_hparams=alpha=0.6.",
        "beam_size": "now --decode_hparams=beam_size=4.",
        "data_dir": _RUN_KNOWS,
        "decoder_command": "the model stays in memory; nothing is started.",
        "hparams_set": _RUN_KNOWS,
        "model": _RUN_KNOWS,
        "problem": _RUN_KNOWS,
    },
    "t2t-exporter": {
        "as_text": "a SavedModel is binary, as TensorFlow 2 writes it.",
        "export_as_tfhub": "now --format=saved_model.",
    },
}


def explain(command: str, flag: str) -> str | None:
    """Words what became of a flag that a command does not have.

    Args:
      command: such as `"t2t-trainer"`.
      flag: its name without dashes; `no` may stand in front, as it may before
        any flag that is true or false.

    Returns:
      One sentence, or None when tensor2tensor's command had no such flag.
    """
    gone = GONE.get(command, {})
    name = flag if flag in gone else flag.removeprefix("no")
    if name not in gone:
        return None
    reason = gone[name]
    verb = "is" if reason.startswith("now --") else "is gone:"
    return f"--{name} of tensor2tensor {verb} {reason}"
