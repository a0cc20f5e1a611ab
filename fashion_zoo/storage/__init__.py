"""Files that appear whole or not at all and are read within bounds; locks of folders."""

from fashion_zoo.storage.files import (
    absolute as absolute,
    as_json as as_json,
    as_storage_error as as_storage_error,
    atomic_file as atomic_file,
    atomic_folder as atomic_folder,
    check_free as check_free,
    is_free as is_free,
    remove as remove,
    resolve as resolve,
    sweep as sweep,
    write_bytes as write_bytes,
    write_json as write_json,
    write_table as write_table,
    write_text as write_text,
    write_verified as write_verified,
)
