"""`dl.backprop(loss)`: the autograd graph of a loss, looked at once and told as boxes, roads and numbers."""
