"""OpenNMT-tf: its search on the same work, held to a number of steps."""

from benchmarks.peers import opennmt_model, protocol

tf = opennmt_model.tf


def main() -> None:
    """Builds the model and serves rounds."""
    given = protocol.settings()
    model = opennmt_model.new_model(
        given,
        {
            "beam_width": given["beam"],
            "length_penalty": given["alpha"],
            "minimum_decoding_length": given["steps"],
            "maximum_decoding_length": given["steps"],
        },
    )
    model.create_variables()
    sources = opennmt_model.random_side(given, given["source"])

    @tf.function
    def search():
        _, found = model(sources)
        return found["length"], found["log_probs"]

    def one_round() -> None:
        lengths, _ = search()
        assert (lengths.numpy() == given["steps"]).all(), lengths

    protocol.serve(opennmt_model.opennmt.__version__, one_round)


if __name__ == "__main__":
    main()
