"""Optuna's dashboard of a study."""

from fashion_zoo.errors import ConfigError, StudyError
from fashion_zoo.storage.databases import file_of
from fashion_zoo.tuning.checking import check_file
from fashion_zoo.tuning.storages import connect, opening


def serve(url: str, port: int) -> None:
    """Serve the dashboard on this machine until Ctrl-C.

    Args:
        url: of the storage.
        port: where it listens.

    Raises:
        ConfigError: optuna-dashboard is not installed, or the port is taken.
        StudyError: there is no study, or its storage cannot be opened.
    """
    try:
        import optuna_dashboard
    except ImportError as error:
        raise ConfigError(
            "The dashboard is not installed. Install it, in a checkout of fashion_zoo: "
            'pip install ".[dashboard]".'
        ) from error
    with opening(url):
        file = file_of(url)
        if file and not file.is_file():
            raise StudyError(f"There is no study at {file}. Run the search first.")
        if file:
            check_file(file)
        backend = connect(url)
    try:
        optuna_dashboard.run_server(backend, port=port)
    except OSError as error:
        raise ConfigError(f"Port {port} cannot be used: {error.strerror}. Name another.") from error
