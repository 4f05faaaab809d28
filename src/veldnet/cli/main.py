"""The command `veldnet`."""

from __future__ import annotations

from .admin import admin
from .bench import bench
from .client import client
from .demo import demo_command
from .init import init_command
from .root import new_app
from .sandbox import sandbox_command
from .serve import serve_command
from .simulate import simulate

app = new_app()
app.command("init")(init_command)
app.command("serve")(serve_command)
app.command("demo")(demo_command)
app.command("sandbox")(sandbox_command)
app.add_typer(bench, name="bench")
app.add_typer(simulate, name="simulate")
app.add_typer(admin, name="admin")
app.add_typer(client, name="client")
