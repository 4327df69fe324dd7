"""The first layer of every model that reads: a vector for each token."""

from torch import Tensor, nn


class TokenTable(nn.Embedding):
    """`nn.Embedding` that says which token it does not know. tokens: (…) int64 below `vocabulary` → (…, width).

    Raises: ValueError that names the token, if one is outside the vocabulary (on a GPU PyTorch itself stops).
    """

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__(vocabulary, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (…) int64 → (…, width)."""
        try:
            return super().forward(tokens)
        except IndexError:
            strange = tokens[(tokens < 0) | (tokens >= self.num_embeddings)]
            raise ValueError(
                f"token {int(strange[0])} is outside the vocabulary: this model knows the tokens 0 to {self.num_embeddings - 1}. "
                "Was the text read by another tokenizer?"
            ) from None
