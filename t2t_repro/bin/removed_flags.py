"""tensor2tensor's flags that are not here, each with its reason.

A command line of tensor2tensor 1.15.7 meets one line that says what became of
the flag instead of "unknown flag". The same sentences stand in
docs/from_tensor2tensor.md; a test compares the two, and both with the flags
that the commands have. A reason that begins with "now --" names the new flag.

Left out: flags of absl's and TensorFlow's own debugging and testing
(`--run_with_pdb`, `--test_tmpdir`), which no such command line carries.
"""

_TPU = "TPUs are not supported; GPUs are found by themselves."
_PARAMETER_SERVERS = (
    "there are no parameter servers: every worker has all weights."
)
_MANY_MACHINES = "set TF_CONFIG on each worker, as tf.distribute reads it."
_CLOUD = "no cloud service is started from here."
_AUTOTUNE = "no search over hparams; start a run for each set."
_EVALUATION = "--local_eval_frequency alone says when dev data are evaluated."
_THREADS = "set TF_NUM_INTEROP_THREADS and TF_NUM_INTRAOP_THREADS instead."
_XLA = "now --xla: off, attention, replica or auto."
_DECODING = "t2t-decoder, or t2t-translate-all for every checkpoint, does it."
_LOGS = "messages go to standard error; redirect it."
_REVISIONS = "the problems from Wikipedia's revisions are not here."

# Of absl, and so of every command.
EVERYWHERE: dict[str, str] = {
    "alsologtostderr": _LOGS,
    "log_dir": _LOGS,
    "logger_levels": _LOGS,
    "logtostderr": _LOGS,
    "showprefixforinfo": "messages have no prefix.",
    "stderrthreshold": _LOGS,
    "verbosity": "what a user needs to know is said, and nothing else.",
}

# Defined beside the problems that t2t-datagen and the next three import.
_OF_PROBLEMS = {
    "disable_ffmpeg": "video is not supported.",
    "parsing_path": "t2t-datagen looks for the trees in --tmp_dir.",
    "timit_paths": "audio is not supported.",
    "wiki_revision_data_prefix": _REVISIONS,
    "wiki_revision_introduce_errors": _REVISIONS,
    "wiki_revision_max_equal_to_diff_ratio": _REVISIONS,
    "wiki_revision_max_examples_per_shard": _REVISIONS,
    "wiki_revision_max_page_size_exp": _REVISIONS,
    "wiki_revision_num_dev_shards": _REVISIONS,
    "wiki_revision_num_train_shards": _REVISIONS,
    "wiki_revision_percent_identical_examples": _REVISIONS,
    "wiki_revision_revision_skip_factor": _REVISIONS,
    "wiki_revision_vocab_file": _REVISIONS,
}

# Defined for t2t-trainer; t2t-decoder and t2t-exporter took them along.
_SHARED = {
    **_OF_PROBLEMS,
    "autotune_maximize": _AUTOTUNE,
    "autotune_max_trials": _AUTOTUNE,
    "autotune_objective": _AUTOTUNE,
    "autotune_parallel_trials": _AUTOTUNE,
    "cloud_mlengine": _CLOUD,
    "cloud_mlengine_master_type": _CLOUD,
    "cloud_tpu_name": _TPU,
    "enable_graph_rewriter": "TensorFlow 2 optimises its graphs by itself.",
    "export_saved_model": "t2t-exporter writes models for serving.",
    "export_saved_model_api_version": _TPU,
    "gpu_order": "set CUDA_VISIBLE_DEVICES instead.",
    "hparams_range": _AUTOTUNE,
    "inter_op_parallelism_threads": _THREADS,
    "intra_op_parallelism_threads": _THREADS,
    "iterations_per_loop": "a TPU's loop; each step is one call here.",
    "job-dir": "now --output_dir.",
    "log_device_placement": (
        "call tf.debugging.set_log_device_placement in a --t2t_usr_dir."
    ),
    "log_step_count_steps": "the line of progress is always current.",
    "ps_gpu": _PARAMETER_SERVERS,
    "ps_job": _PARAMETER_SERVERS,
    "ps_replicas": _PARAMETER_SERVERS,
    "tfdbg": "it was TensorFlow 1's debugger.",
    "tpu_infeed_sleep_secs": _TPU,
    "tpu_job_name": _TPU,
    "tpu_num_shards": _TPU,
    "use_guarantee_const_getter": _TPU,
    "use_tpu": _TPU,
    "use_tpu_estimator": _TPU,
    "worker_gpu_memory_fraction": (
        "set TF_FORCE_GPU_ALLOW_GROWTH=true to take only what is needed."
    ),
}

# Without effect on what t2t-decoder and t2t-exporter did.
_OF_TRAINING = dict.fromkeys(
    (
        "dbgprofile",
        "eval_early_stopping_metric",
        "eval_early_stopping_metric_delta",
        "eval_early_stopping_metric_minimize",
        "eval_early_stopping_steps",
        "eval_run_autoregressive",
        "eval_steps",
        "eval_throttle_seconds",
        "eval_timeout_mins",
        "generate_data",
        "gpu_automatic_mixed_precision",
        "keep_checkpoint_every_n_hours",
        "keep_checkpoint_max",
        "local_eval_frequency",
        "master",
        "optionally_use_dist_strat",
        "profile",
        "save_checkpoints_secs",
        "schedule",
        "std_server_protocol",
        "sync",
        "tmp_dir",
        "train_steps",
        "warm_start_from",
        "worker_gpu",
        "worker_job",
        "worker_replicas",
    ),
    "it is for training; leave it out.",
)

_NO_CHOICE = "there is no such choice in decoding."
_WHERE_SERVED = "the server that loads the export compiles it, or does not."
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
        "dbgprofile": "now --profile=100,109, for TensorBoard's Profile tab.",
        "decode_from_file": _DECODING,
        "decode_hparams": _DECODING,
        "decode_reference": _DECODING,
        "decode_to_file": _DECODING,
        "eval_run_autoregressive": (
            "every evaluation translates --eval_bleu_sentences dev sentences."
        ),
        "eval_throttle_seconds": _EVALUATION,
        "eval_timeout_mins": _EVALUATION,
        "eval_use_test_set": (
            "training looks at dev data alone; translate a test set with"
            " t2t-decoder."
        ),
        "gpu_automatic_mixed_precision": "now --precision=float16.",
        "keep_checkpoint_every_n_hours": (
            "--keep_checkpoint_max alone says which checkpoints stay; copy what"
            " you want to keep."
        ),
        "master": _MANY_MACHINES,
        "optionally_use_dist_strat": "replicas always run by tf.distribute.",
        "std_server_protocol": _MANY_MACHINES,
        "sync": "replicas always take a step together.",
        "worker_id": _MANY_MACHINES,
        "worker_job": _MANY_MACHINES,
        "worker_replicas": _MANY_MACHINES,
        "xla_compile": _XLA,
        "xla_jit_level": _XLA,
    },
    "t2t-decoder": {
        **_SHARED,
        **_OF_TRAINING,
        "decode_in_memory": "the file appears when it is whole.",
        "disable_grappler_optimizations": "it was for TensorFlow 1.",
        "keep_timestamp": (
            "t2t-translate-all writes the step into the file's name."
        ),
        "random_seed": "now --decode_hparams=random_seed=7.",
        "xla_compile": _NO_CHOICE,
        "xla_jit_level": _NO_CHOICE,
    },
    "t2t-datagen": {
        **_OF_PROBLEMS,
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
        **_SHARED,
        **_OF_TRAINING,
        "as_text": "a SavedModel is binary, as TensorFlow 2 writes it.",
        "decode_from_file": _DECODING,
        "decode_reference": _DECODING,
        "decode_to_file": _DECODING,
        "eval_use_test_set": "it is for t2t-decoder alone; leave it out.",
        "export_as_tfhub": "now --format=saved_model.",
        "random_seed": "an export never samples: it searches.",
        "worker_id": "an export is written by one process.",
        "xla_compile": _WHERE_SERVED,
        "xla_jit_level": _WHERE_SERVED,
    },
}

# tensor2tensor's t2t-trainer took `--hp_hidden_size 256` for any hparam.
_HPARAM_PREFIX = "hp_"


def explain(command: str, flag: str) -> str | None:
    """Words what became of a flag that a command does not have.

    Args:
      command: such as `"t2t-trainer"`.
      flag: its name without dashes; `no` may stand in front, as it may before
        any flag that is true or false.

    Returns:
      One sentence, or None when tensor2tensor's command had no such flag.
    """
    if command not in GONE:
        return None
    gone = GONE[command] | EVERYWHERE
    name = flag if flag in gone else flag.removeprefix("no")
    reason = gone.get(name)
    if command == "t2t-trainer" and flag.startswith(_HPARAM_PREFIX):
        name, hparam = flag, flag.removeprefix(_HPARAM_PREFIX)
        reason = f"now --hparams={hparam}=VALUE."
    if reason is None:
        return None
    verb = "is" if reason.startswith("now --") else "is gone:"
    return f"--{name} of tensor2tensor {verb} {reason}"
