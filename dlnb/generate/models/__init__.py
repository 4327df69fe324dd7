"""Models that make pictures, music and films."""

from .autoencoders import VAE, AutoEncoder
from .composer import Composer
from .denoiser import Denoiser
from .filmer import Filmer, film
from .gan import GAN

__all__ = ["GAN", "VAE", "AutoEncoder", "Composer", "Denoiser", "Filmer", "film"]
