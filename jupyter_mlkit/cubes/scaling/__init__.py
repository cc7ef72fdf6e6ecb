"""Constants of scaling, taken from train samples alone."""
