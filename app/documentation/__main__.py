"""`python -m app.documentation`: write the documents that are made from the code."""

import click

from app.documentation import write_documents


@click.command()
def main() -> None:
    """Write the documents under docs/ that are made from the code, and name those that changed."""
    changed = write_documents()
    click.echo(f"Changed: {', '.join(changed)}" if changed else "Everything was up to date.")


main()
