"""Tasks of making."""

from .films import films
from .music import chorales, jsb_chorales
from .pictures import digits_autoencoder, digits_diffusion, digits_vae
from .points import eight_points

__all__ = ["chorales", "digits_autoencoder", "digits_diffusion", "digits_vae", "eight_points", "films", "jsb_chorales"]
