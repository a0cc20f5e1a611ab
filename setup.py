"""Metadata, dependencies, extras and the console script."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "fashion_zoo/__init__.py").read_text(encoding="utf-8"), re.M
)[1]

setup(
    name="fashion_zoo",
    version=VERSION,
    description="Multilayer-perceptron recipes for small images, with numbers you can check",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "fashion_zoo/assets/fashion_mnist/LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    python_requires=">=3.11",
    packages=find_packages(include=["fashion_zoo", "fashion_zoo.*", "recipes", "recipes.*"]),
    package_data={
        "": ["*.pyi"],
        "fashion_zoo": [
            "py.typed",
            "assets/*",
            "assets/fashion_mnist/*",
            "weights/published/*",
        ],
    },
    install_requires=[
        "cleanlab>=2.9",
        "filelock>=4.0",  # a loser leaves the lock's file as it is
        "importlib_resources>=6.0",  # tensorflow-datasets imports it and does not name it
        "joblib>=1.3",  # it knows the cores of a job and of a container
        "keras-tuner>=1.4.8",
        "keras>=3.15.1",  # the security floor: older ones run code from hostile model files
        "lazy-loader>=0.5",
        "matplotlib>=3.9",
        "numpy>=1.26",
        "optuna>=5.0",
        "pillow>=10.3",
        "rich>=13.7",
        "safetensors>=0.4",
        "scikit-learn>=1.5",
        "scipy>=1.15",
        "sqlalchemy>=2.1",  # it escapes what a path to a database may have
        "six>=1.16",  # keras-tuner imports it and does not name it
        "tensorboard>=2.20",  # and this, under tensorflow
        "tensorflow>=2.21",
        "tensorflow-datasets>=4.9.10",
        "threadpoolctl>=3.1",
        "typeguard>=4.3",
        "tyro>=1.0",
    ],
    extras_require={
        "dashboard": ["optuna-dashboard>=0.18"],
        "docs": ["mkdocs-material>=9.5", "mkdocstrings[python]>=1.0", "ruff==0.17.6"],
        "litert": ["ai-edge-litert>=2.3"],
        "onnx": ["onnxruntime>=1.20", "tf2onnx>=1.17"],
        "postgresql": ["psycopg[binary]>=3.2"],
    },
    entry_points={"console_scripts": ["fashion-zoo = recipes.__main__:main"]},
)
