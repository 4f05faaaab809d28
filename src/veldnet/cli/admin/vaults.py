"""`veldnet admin vault`: master keys and the modules that hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.panel import Panel
from rich.progress import Progress
from rich.prompt import Prompt

from veldnet.assembly.data_directory.directory import DataDirectory, database_exists
from veldnet.assembly.vaults.opening import master_key_of, openings, vault_names
from veldnet.cli.given import AS_JSON, on_the_same
from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, counted, errors, fail, print_json, print_table, report
from veldnet.cli.running import administrator, settings_of, with_data
from veldnet.inventory import audit, changes
from veldnet.inventory.keys import wrapped_keys
from veldnet.keys import MasterFiles, VaultError, master
from veldnet.keys.master import Backup, MasterKeys
from veldnet.keys.process.hardening import harden
from veldnet.settings import Settings
from veldnet.store import Connection

vault_app = typer.Typer(help="Vaults and master keys.", no_args_is_help=True)

Name = Annotated[
    str, typer.Option("--vault", help="Name of the vault in keys.vaults; default vault if omitted.")
]


class BackupOptions(msgspec.Struct, frozen=True):
    """The backup of a new master key."""

    backup: Annotated[
        Path | None, typer.Option("--backup", help="File for the backup of the master key.")
    ] = None
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Create no backup: losing the master key loses all keys.")
    ] = False
    parts: Annotated[
        int, typer.Option(min=1, max=16, help="Number of parts (SLIP-39 shares) of the backup key.")
    ] = 5
    threshold: Annotated[int, typer.Option(min=1, max=16, help="Number of parts needed to restore.")] = 3
    part_files: Annotated[
        Path | None,
        typer.Option(help="Folder for the parts, one file each; shown one by one if omitted."),
    ] = None

    def files_of_parts(self) -> list[Path]:
        folder = self.part_files
        return [] if folder is None else [folder / f"part-{n}.txt" for n in range(1, self.parts + 1)]


def _modules(settings: Settings, name: str) -> list[MasterKeys]:
    """The master keys of each module of a vault."""
    if name and name not in settings.keys.vaults:
        known = ", ".join(settings.keys.vaults) or "none"
        fail(f"keys.vaults has no vault {name!r}; there are: {known}")
    if settings.keys.vault_of(name) is None:
        return [MasterFiles(master_key_of(settings))]
    from veldnet.assembly.vaults.token import open_token
    from veldnet.keys.pkcs11 import TokenMasterKeys

    opened: list[MasterKeys] = []
    for way in openings(settings, name):
        assert way.module is not None
        opened.append(TokenMasterKeys(open_token(way.module, way.key_label)))
    return opened


def _note(settings: Settings, action: str, name: str, generation: int) -> None:
    """Write down in the audit log what was done, and tell a running server."""
    what = f"vault {name or 'default'}, generation {generation}"

    async def write(data: DataDirectory) -> None:
        def change(connection: Connection) -> None:
            audit.note(connection, audit.Author(administrator()), action, what)
            changes.note(connection, "vault", 0)

        await data.store.write(change)

    if database_exists(settings):
        with_data(settings, write)


def _make(name: str, modules: list[MasterKeys], options: BackupOptions) -> int:
    if (options.backup is None) == (not options.no_backup):
        fail("say where the backup goes with --backup FILE, or --no-backup to have none")
    parts = options.files_of_parts()
    files = [] if options.backup is None else [options.backup, *parts]
    # A master key whose backup cannot be written must not be made.
    _begin(files)
    # The backup key is in this process for a moment.
    harden()
    try:
        made, words = master.new_master_key(name, modules, options.parts, options.threshold)
    except VaultError:
        for path in files:
            path.unlink()
        raise
    if options.backup is not None:
        options.backup.write_bytes(msgspec.json.format(msgspec.json.encode(made)))
        _hand_out(words, options.threshold, parts)
    return made.generation


def _begin(files: list[Path]) -> None:
    """Make new empty files that their owner alone can read."""
    begun: list[Path] = []
    try:
        for path in files:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(0o600, exist_ok=False)
            begun.append(path)
    except OSError as error:
        for path in begun:
            path.unlink()
        fail(f"cannot make {error.filename}: {error.strerror}")


def _hand_out(words: list[str], threshold: int, files: list[Path]) -> None:
    """Each part goes to somebody else."""
    for number, part in enumerate(words, 1):
        if files:
            files[number - 1].write_text(f"{part}\n")
            continue
        title = f"Part {number} of {len(words)}, {threshold} of which open the backup"
        shown = errors if AS_JSON.get() else console
        shown.print(Panel(part, title=title))
        if console.is_terminal:
            Prompt.ask(
                "Written down? Enter shows the next one", console=console, default="", show_default=False
            )
            console.clear()


@vault_app.command("create-master-key")
def create_master_key_command(*, name: Name = "", backup: BackupOptions, data: Data = None) -> None:
    """Create the first master key in every module of the vault; it never leaves them. Its backup opens with
    enough of the parts only."""
    settings = settings_of(data)
    if settings.keys.vault_of(name) is None and not database_exists(settings):
        fail(
            "the master key of the software vault is made with the data directory: "
            f"`{on_the_same('veldnet init')}`; then "
            f"`{on_the_same('veldnet admin vault rotate-master-key')}` makes the next one, with a backup"
        )
    try:
        modules = _modules(settings, name)
        for module in modules:
            if module.generations():
                fail(f"{module.name!r} has a master key already; see rotate-master-key")
        generation = _make(name, modules, backup)
    except VaultError as error:
        fail(str(error))
    _note(settings, "masterKey.created", name, generation)
    made = ", ".join(module.name for module in modules)
    report(f"master key made in {made}", generation=generation, modules=[module.name for module in modules])


@vault_app.command("rotate-master-key")
def rotate_master_key_command(*, name: Name = "", backup: BackupOptions, data: Data = None) -> None:
    """Create the next master key. A running server re-wraps all keys in the background."""
    settings = settings_of(data)
    try:
        modules = _modules(settings, name)
        there = [module.generations() for module in modules]
        if not all(there):
            fail("there is no master key yet; see create-master-key")
        if any(generations != there[0] for generations in there):
            fail("the modules do not hold the same master keys; see restore-master-key")
        generation = _make(name, modules, backup)
    except VaultError as error:
        fail(str(error))
    _note(settings, "masterKey.rotated", name, generation)
    report(
        f"master key of generation {generation} made; `{on_the_same('veldnet admin vault status')}` shows "
        "progress",
        generation=generation,
    )


@vault_app.command("restore-master-key")
def restore_master_key_command(
    backup: Annotated[Path, typer.Argument(help="The backup, as create-master-key wrote it.")],
    name: Name = "",
    part_file: Annotated[
        list[Path] | None, typer.Option("--part", help="File with a part; prompts if omitted.")
    ] = None,
    data: Data = None,
) -> None:
    """Restore a master key from its backup into the modules of the vault that lack it."""
    settings = settings_of(data)
    if settings.keys.vault_of(name) is None and not Path(settings.data).is_dir():
        fail(f"there is no data directory {Path(settings.data).absolute()}; make it first")
    try:
        kept = msgspec.json.decode(backup.read_bytes(), type=Backup)
        wrapped = bytes.fromhex(kept.wrapped)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        fail(f"{backup} is no backup of a master key: {error}")
    harden()
    if part_file:
        words = [_read(path) for path in part_file]
    else:
        words = [
            Prompt.ask(f"Part {number} of {kept.threshold}", password=True, console=errors)
            for number in range(1, kept.threshold + 1)
        ]
    try:
        backup_key = master.combine(words)
        lacking = [m for m in _modules(settings, name) if kept.generation not in m.generations()]
        for module in lacking:
            module.load(kept.generation, wrapped, backup_key)
    except VaultError as error:
        fail(str(error))
    if not lacking:
        fail(f"every module holds the master key of generation {kept.generation} already")
    _note(settings, "masterKey.restored", name, kept.generation)
    restored = [module.name for module in lacking]
    report(
        f"master key of generation {kept.generation} restored in {', '.join(restored)}",
        generation=kept.generation,
        modules=restored,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")


@vault_app.command("destroy-master-key")
def destroy_master_key_command(
    generation: Annotated[int, typer.Argument(help="Generation of the master key, as status shows it.")],
    name: Name = "",
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    data: Data = None,
) -> None:
    """Destroy an old master key in every module; refused while keys are sealed under it."""
    settings = settings_of(data)
    try:
        modules = _modules(settings, name)
        newest = max((number for module in modules for number in module.generations()), default=0)
        if generation >= newest:
            fail(f"generation {generation} is not an old one: the newest is {newest}")
        left = with_data(settings, lambda d: _ready_to_part(d, name), vaults=True)
        if left:
            fail(
                f"{left} keys are not sealed under generation {newest} yet; see "
                f"{on_the_same('veldnet admin vault status')}"
            )
        if not yes and not typer.confirm(f"Destroy generation {generation} for good?"):
            raise typer.Exit(1)
        for module in modules:
            if generation in module.generations():
                module.destroy(generation)
    except VaultError as error:
        fail(str(error))
    _note(settings, "masterKey.destroyed", name, generation)
    report(f"master key of generation {generation} destroyed", generation=generation)


async def _ready_to_part(data: DataDirectory, name: str) -> int:
    """Keys that still need older master keys; where there are none, the vault's proof needs none either."""
    left = await _stale(data, name)
    if not left:
        await data.renew_check(name)
    return left


async def _stale(data: DataDirectory, name: str) -> int:
    """Keys that an older master key has sealed."""
    header = await data.vault.of(name).refresh()
    return await data.store.read(lambda c: wrapped_keys.count_stale(c, name, header))


@vault_app.command("reseal")
def reseal_command(name: Name = "", data: Data = None) -> None:
    """Re-wrap all keys under the newest master key now."""

    async def work(opened: DataDirectory) -> tuple[int, int]:
        vault = opened.vault.of(name)
        header = await vault.refresh()
        total = await opened.store.read(lambda c: wrapped_keys.count_stale(c, name, header))
        with Progress(console=errors, transient=True) as progress:
            task = progress.add_task("re-wrapping", total=total)

            def show(done: int) -> None:
                progress.update(task, completed=done)

            return await wrapped_keys.reseal_all(opened.store, vault, name, header, show)

    done, failed = with_data(settings_of(data), work, vaults=True)
    report(f"{counted(done, 'key')} re-wrapped", rewrapped=done, failed=failed)
    if failed:
        fail(f"{failed} keys do not open in this vault and are left as they are")


class ModuleStatus(msgspec.Struct):
    """A module of a vault."""

    vault: str
    module: str
    masterKeys: list[int]
    problem: str | None


class VaultStatus(msgspec.Struct):
    """The vaults: their modules, and how many keys older master keys have sealed."""

    modules: list[ModuleStatus]
    stale: dict[str, int]


@vault_app.command("status")
def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show where root keys are used, whether each module can do all that is needed, and how far re-wrapping
    has come."""
    settings = settings_of(data)
    status = VaultStatus([], {})
    for name in vault_names(settings):
        status.modules += _inspect(settings, name)
    if database_exists(settings) and all(m.problem is None for m in status.modules):

        async def count(opened: DataDirectory) -> None:
            for name in vault_names(settings):
                status.stale[name or "default"] = await _stale(opened, name)

        with_data(settings, count, vaults=True)
    if as_json:
        print_json(status)
        return
    print_table(
        "Modules",
        ("Vault", "Module", "Master keys", "Problem"),
        [
            (m.vault or "default", m.module, ", ".join(map(str, m.masterKeys)) or "none", m.problem or "none")
            for m in status.modules
        ],
    )
    for name in vault_names(settings):
        there = {tuple(module.masterKeys) for module in status.modules if module.vault == name}
        if len(there) > 1:
            console.print(
                f"vault {name or 'default'}: its modules do not hold the same master keys; "
                "see restore-master-key"
            )
    for name, stale in status.stale.items():
        if stale:
            console.print(f"vault {name}: {stale} keys are still sealed under an older master key")


def _inspect(settings: Settings, name: str) -> list[ModuleStatus]:
    found = settings.keys.vault_of(name)
    if found is None:
        files = MasterFiles(master_key_of(settings))
        return [ModuleStatus(name, "software", files.generations(), _problem(files.read))]
    from veldnet.assembly.vaults.token import open_token

    listed = []
    for way in openings(settings, name):
        assert way.module is not None
        try:
            token = open_token(way.module, way.key_label)
            listed.append(ModuleStatus(name, token.name, token.generations(), None))
            token.close()
        except VaultError as error:
            listed.append(ModuleStatus(name, way.name, [], str(error)))
    return listed


def _problem(work: Callable[[], object]) -> str | None:
    try:
        work()
    except VaultError as error:
        return str(error)
    return None
