"""`dl.descend()`: optimisers race down a loss surface. `widget` opens it; the drawing half is `widgets/src/descend/`."""
