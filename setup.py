"""Puts the presets, which stand at the top of the project, into the package of a wheel."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithPresets(build_py):
    """Copies `presets/*.toml` to `bridge/presets` in what is built; a checkout needs no copy."""

    def run(self) -> None:
        """Build the package, and add the presets to it."""
        super().run()
        if self.editable_mode:
            return
        for source in self._presets():
            self.mkpath(str(self._target(source).parent))
            self.copy_file(str(source), str(self._target(source)))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What is built, the presets too."""
        built = [] if self.editable_mode else [str(self._target(s)) for s in self._presets()]
        return [*super().get_outputs(include_bytecode), *built]

    def _presets(self) -> list[Path]:
        return sorted((HERE / "presets").glob("*.toml"))

    def _target(self, source: Path) -> Path:
        return Path(self.build_lib) / "bridge" / "presets" / source.name


setup(cmdclass={"build_py": BuildWithPresets})
