"""What goes on inside a model: looks at its layers, and surgery on them. Knows PyTorch and nothing of dlnb."""
