"""Find a PgBouncer for the tests with several nodes; where it may, install Debian's. And run one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lernbegleitung import embedded
from lernbegleitung.serve import free_port

CONNECTIONS = 3  # to PostgreSQL, for each role: far fewer than ask at once, so that they are passed from hand to hand


def find_pgbouncer() -> str | None:
    """The pooler on this machine, if there is one."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def install() -> None:
    """Install Debian's, if there is none and this is root on a machine with apt."""
    if find_pgbouncer() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("· PgBouncer for the tests with several nodes (apt-get install pgbouncer)", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "pgbouncer"], check=False, **quiet)


def start(var: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A pooler in transaction mode before the PostgreSQL in `var`, and the port on which it listens."""
    folder, port, data = embedded.socket_dir(var), free_port(), var / "postgres"
    (folder / "users").write_text('"lern_app" ""\n"lern_worker" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"""[databases]
{embedded.DATABASE} = host={data} dbname={embedded.DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder / "users"}
pool_mode = transaction
default_pool_size = {CONNECTIONS}
max_client_conn = 200
ignore_startup_parameters = options
"""
    )
    for file in ("users", "pgbouncer.ini"):
        (folder / file).chmod(0o644)
    command = [str(find_pgbouncer()), "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to be root; the owner of the data may reach the socket
        command[1:1] = ["-u", data.owner()]
    with (var / "log" / "pgbouncer.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True), port


if __name__ == "__main__" and "--install" in sys.argv:
    install()
