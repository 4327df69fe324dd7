"""The course: its chapters and how far the learner is. Nothing here loads PyTorch."""
