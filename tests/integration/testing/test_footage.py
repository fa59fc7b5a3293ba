from pathlib import Path

import numpy as np
import pytest

from beket.sim.clock_text import read_clock_strip
from beket.testing.footage import RENDERED_FROM_MS, Footage, real_films, rendered
from beket.testing.process import output_of


@pytest.mark.needs("ffmpeg", "ffprobe")
def test_footage_is_a_film_of_a_codec_we_record(footage: Footage) -> None:
    assert footage.codec in {"h264", "hevc"}
    assert footage.frames > footage.fps


@pytest.mark.needs("ffmpeg", "ffprobe")
def test_every_frame_of_the_rendered_film_tells_its_moment_when_decoded(tmp_path: Path) -> None:
    film = rendered(tmp_path, duration_s=2)
    raw = tmp_path / "gray"
    output_of("ffmpeg", "-v", "error", "-i", film.file, "-f", "rawvideo", "-pix_fmt", "gray", raw)
    pictures = np.fromfile(raw, np.uint8).reshape(-1, film.height, film.width)
    assert [read_clock_strip(p) for p in pictures] == [RENDERED_FROM_MS + 100 * i for i in range(20)]


def test_real_films_refuse_a_folder_without_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEKET_FOOTAGE_DIR", str(tmp_path))
    with pytest.raises(AssertionError, match="holds no film"):
        real_films()
    (tmp_path / "b.mp4").touch()
    (tmp_path / "A.MKV").touch()
    assert [film.name for film in real_films()] == ["A.MKV", "b.mp4"]
    monkeypatch.delenv("BEKET_FOOTAGE_DIR")
    assert real_films() == []
