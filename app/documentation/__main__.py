"""`python -m app.documentation`: write the documents that are made from the code."""

from pathlib import Path

import click

from app.documentation import FOLDER, write_documents


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path), default=FOLDER)
def main(folder: Path) -> None:
    """Write the documents that are made from the code into FOLDER (by default docs/), and name those that changed."""
    changed = write_documents(folder)
    click.echo(f"Changed: {', '.join(changed)}" if changed else "Everything was up to date.")


main()
