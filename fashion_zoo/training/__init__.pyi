from .compile import build_model as build_model
from .compile import compile_model as compile_model
from .compile import untrained_loss as untrained_loss
from .session import train_once as train_once
from .session import train_run as train_run
