"""Files that appear whole or not at all and are read within bounds; locks of folders; paths."""

from fashion_zoo.storage.files import (
    as_json,
    as_storage_error,
    atomic_file,
    atomic_folder,
    check_free,
    is_free,
    remove,
    resolve,
    sweep,
    write_bytes,
    write_json,
    write_table,
    write_text,
    write_verified,
)

__all__ = [
    "as_json",
    "as_storage_error",
    "atomic_file",
    "atomic_folder",
    "check_free",
    "is_free",
    "remove",
    "resolve",
    "sweep",
    "write_bytes",
    "write_json",
    "write_table",
    "write_text",
    "write_verified",
]
