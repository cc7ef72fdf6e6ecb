"""What a cube holds and what in it will trouble a training."""
