"""Options that several commands have, each said in one place."""

from __future__ import annotations

import click

model_option = click.option(
    "-m",
    "--model",
    default="auto",
    show_default=True,
    metavar="NAME|PATH",
    help="A model of `stembridge models list`, a folder with NAME.yaml, or one weights file.",
)

device_option = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="cpu, cuda, cuda:N or mps."
)

allow_pickle_option = click.option(
    "--allow-pickle", is_flag=True, help="Read .th weights, which can run any program."
)
