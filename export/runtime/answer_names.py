"""What the parts of an answer are called, for whoever names them without running a model."""

PREDICTION, PROBABILITY, EMBEDDING = "prediction", "probability", "embedding"
