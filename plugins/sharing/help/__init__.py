"""Help: asked and offered between neighbours, never for money; what remains are thanks."""
