"""These tests train and compute a little: one thread, as two that share a busy machine wait for each other."""

import torch

torch.set_num_threads(1)
