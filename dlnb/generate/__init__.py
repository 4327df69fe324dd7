"""Making: pictures, music, films."""

from .both import Both
from .models import GAN, VAE, AutoEncoder, Composer, Denoiser, Filmer, film
from .music_midi import read_midi, save_midi
from .music_sound import save_wav, sound
from .paths import Path
from .quality import frechet, nearest, precision_recall, told_apart
from .recogniser import recogniser
from .sampling import inpaint, make
from .tasks import chorales, digits_autoencoder, digits_diffusion, digits_vae, eight_points, films, jsb_chorales
from .writing import harmonise, write

__all__ = [
    "GAN", "VAE", "AutoEncoder", "Both", "Composer", "Denoiser", "Filmer", "Path",
    "film", "frechet", "inpaint", "make", "nearest", "precision_recall", "recogniser", "told_apart",
    "chorales", "digits_autoencoder", "digits_diffusion", "digits_vae", "eight_points", "films", "jsb_chorales",
    "harmonise", "read_midi", "save_midi", "save_wav", "sound", "write",
]  # fmt: skip
