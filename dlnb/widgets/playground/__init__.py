"""The engine of the playground: a small network on points of the plane, which is edited while it learns."""
