"""`python -m service.cli` is `chorale`."""

from service.cli.main import main

main(prog_name="chorale")
