"""Which GAN should be the default: three families at one CPU budget, on simulated and on public radiographs.

    OMP_NUM_THREADS=1 python benchmarks/default_gan.py [--seconds 120] [--set FOLDER] [--grids FOLDER]
        [--run NAME 'JSON SETTINGS'] ...

Sets, distances and options are those of `diffusion_against_gan.py`, which it calls. StyleGAN2 is trained with and
without adaptive augmentation. One training each: small differences say nothing.
"""

from diffusion_against_gan import main

RUNS = (
    ("projection-gan", "{}"),
    ("stylegan2-ada", "{}"),
    ("stylegan2-ada", '{"augment_target": 0.0}'),
    ("r3gan", "{}"),
)

if __name__ == "__main__":
    main(__doc__, RUNS)
