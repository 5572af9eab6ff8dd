"""OpenNMT-tf: one optimizer step on the same work, as a TensorFlow graph."""

from benchmarks.peers import opennmt_model, protocol

tf = opennmt_model.tf


def main() -> None:
    """Builds the model and serves rounds."""
    given = protocol.settings()
    model = opennmt_model.new_model(
        given,
        {
            "optimizer": "Adam",
            "optimizer_params": {"beta_1": 0.9, "beta_2": 0.98},
            "learning_rate": 1e-4,
            "label_smoothing": 0.1,
            "average_loss_in_time": True,
        },
    )
    optimizer = model.get_optimizer()
    model.create_variables(optimizer=optimizer)
    sources = opennmt_model.random_side(given, given["source"])
    targets = opennmt_model.random_side(given, given["target"])
    targets["ids_out"] = targets["ids"]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            outputs, _ = model(
                sources, targets, training=True, step=optimizer.iterations
            )
            total, tokens, _ = model.compute_loss(
                outputs, targets, training=True
            )
            loss = total / tokens
        weights = model.trainable_weights
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    protocol.serve(opennmt_model.opennmt.__version__, lambda: step().numpy())


if __name__ == "__main__":
    main()
