"""Making: pictures, music, films."""
