"""Looking into the layers of a model while it trains, within a budget of time."""
