"""The Python half of the widgets, one file a widget; `base` holds the channel to the browser."""
