"""The settings file: what is refused and in which words, what is anchored, where it is found."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from namecard_release.domain.alarms import AlarmAction, AlarmRule, alarm_kind, expected_alarms
from namecard_release.errors import MisuseError
from namecard_release.settings import SERVICES, SETTINGS_VARIABLE, find_settings, load_settings

SECRET = "hunter2hunter2"
SMALL = """
[platform]
repository = "https://github.com/example/namecard.git"

[environments.staging]
account = "123456789012"
stack_suffix = "staging"
context = "staging"
key = "staging"
database_secret = "namecard/database/staging"
"""


def write(folder: Path, text: str = SMALL) -> Path:
    """Write a settings file."""
    file = folder / "namecard-release.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(file: Path) -> str:
    """Give the words with which a file is refused."""
    with pytest.raises(MisuseError) as caught:
        load_settings(file)
    return str(caught.value)


def test_the_smallest_file_has_the_platforms_defaults(tmp_path: Path) -> None:
    loaded = load_settings(write(tmp_path))
    staging = loaded.environment("staging")
    assert staging.stack_names == ("NameCardDb-staging", "NameCardApi-staging")
    assert (staging.region, staging.bake_seconds, staging.requires) == ("ap-southeast-1", 900, ())
    assert loaded.platform.services == SERVICES
    assert [phase.argv[-1] for phase in loaded.gates.quality] == [
        "lint:all",
        "type-check:all",
        "test:core",
        "build:core",
    ]
    assert loaded.trial.database_url is None


ENVIRONMENT = "[environments.staging]\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(ENVIRONMENT, f"{ENVIRONMENT}regoin = 'x'\n", "environments.staging.regoin: Extra", id="wrong key"),
        pytest.param("[platform]\n", "colour = 1\n[platform]\n", "colour: Extra", id="wrong key at the top"),
        pytest.param("[platform]\n", "[platfrom]\n", "platform: Field required; platfrom: Extra", id="wrong section"),
        pytest.param('"123456789012"', "123456789012", "account: Input should be a valid string", id="number for text"),
        pytest.param('"123456789012"', '"12345678901"', "account: String should match", id="eleven digits"),
        pytest.param('"123456789012"', '"1234567890123"', "account: String should match", id="thirteen digits"),
        pytest.param('context = "staging"', 'context = ""', "context: String should have at least 1", id="empty text"),
        pytest.param('key = "staging"', "", "environments.staging.key: Field required", id="key missing"),
        pytest.param("environments.staging", "environments.Staging", "a name is lower-case letters", id="bad name"),
        pytest.param("environments.staging", f"environments.{'a' * 32}", "at most 31", id="long name"),
        pytest.param(SMALL[SMALL.index("[env") :], "[environments]\n", "environments: Dictionary should", id="none"),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}database_url = 'postgresql://h/d'\n", "give either", id="both databases"
        ),
        pytest.param('database_secret = "namecard/database/staging"', "", "give either", id="neither database"),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}requires = ['qa']\n", "environments.staging.requires names qa", id="unknown"
        ),
        pytest.param(ENVIRONMENT, f"{ENVIRONMENT}requires = ['staging']\n", "which is not another one", id="itself"),
        pytest.param(ENVIRONMENT, f"{ENVIRONMENT}requires = 'dev'\n", "requires: Input should be a valid", id="text"),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}bake_seconds = -1\n", "bake_seconds: Input should be gr", id="negative"
        ),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}bake_seconds = 'x'\n", "bake_seconds: Input should be", id="no number"
        ),
        pytest.param(ENVIRONMENT, f"{ENVIRONMENT}bake_seconds = nan\n", "bake_seconds: Input should be", id="nan"),
        # A bake without an end can be added to no moment.
        pytest.param(ENVIRONMENT, f"{ENVIRONMENT}bake_seconds = inf\n", "bake_seconds: Input should be", id="inf"),
        pytest.param(
            ENVIRONMENT,
            f"{ENVIRONMENT}alarms.dlqs.action = 'page'\n",
            "no such kind of alarm: dlqs; there are errors",
            id="no such alarm",
        ),
        pytest.param(
            ENVIRONMENT,
            f"{ENVIRONMENT}alarms.dlq.action = 'shout'\n",
            "alarms.dlq.action: Input should be 'roll_back', 'page' or 'note'",
            id="no such action",
        ),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}alarms.dlq.sustain_seconds = 1\n", "action: Field req", id="no action"
        ),
        pytest.param(
            ENVIRONMENT,
            f"{ENVIRONMENT}alarms.dlq = {{action = 'page', sustain_seconds = -1}}\n",
            "sustain_seconds: Input should be greater",
            id="negative sustain",
        ),
        pytest.param(
            "[platform]\n",
            "[platform]\nsynth.argv = []\n",
            "platform.synth.argv: Value error, a command",
            id="no words",
        ),
        pytest.param(
            "[platform]\n", "[platform]\nsynth.argv = ['cdk', '']\n", "list of non-empty words", id="an empty word"
        ),
        pytest.param(
            "[platform]\n", "[platform]\nsynth.argv = 'cdk synth'\n", "synth.argv: Input should be a valid", id="a line"
        ),
        pytest.param(
            "[platform]\n",
            "[platform]\ninstall = {argv = ['x'], timeout_seconds = 0}\n",
            "timeout_seconds: Input should be greater than 0",
            id="no time",
        ),
        pytest.param("[platform]\n", "[platform]\nservices = []\n", "platform.services: Tuple should", id="no service"),
        pytest.param("[platform]\n", "[platform]\nservices = ['Auth']\n", "services.0: Value error", id="bad service"),
        pytest.param("[platform]\n", "[tools]\ncdk = []\n[platform]\n", "tools.cdk: Value error, a comm", id="no cdk"),
        pytest.param(
            "[platform]\n",
            "[[gates.quality]]\nargv = ['x']\n[platform]\n",
            "quality.0.name: Field",
            id="nameless phase",
        ),
        pytest.param(
            ENVIRONMENT, f"{ENVIRONMENT}rehearsal = 'sometimes'\n", "Input should be 'never', 'on_doubt'", id="no mode"
        ),
        pytest.param(
            ENVIRONMENT,
            f"{ENVIRONMENT}rehearsal = 'on_doubt'\n",
            "environments.staging.rehearsal asks for platform.rehearsal",
            id="a rehearsal of nothing",
        ),
        pytest.param(
            "[platform]\n",
            "[platform]\nrehearsal = [{argv = ['x'], env = {DB_NAME = 'live'}}]\n",
            "rehearsal.0: Value error, DB_NAME is set by the rehearsal",
            id="a rehearsal elsewhere",
        ),
        pytest.param("[platform]\n", "[gates]\nspeed = []\n[platform]\n", "gates.speed: Extra", id="no such gate"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert SMALL.count(old) == 1
    file = write(tmp_path, SMALL.replace(old, new))
    told = refusal(file)
    assert told.startswith(f"settings file {file}: ")
    assert words in told and "\n" not in told


def test_every_wrong_key_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(write(tmp_path, SMALL.replace("repository", "repo").replace("context", "contxt")))
    for place in (
        "platform.repository",
        "platform.repo",
        "environments.staging.context",
        "environments.staging.contxt",
    ):
        assert place in told


def test_a_file_without_anything_lacks_its_two_sections(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "")).endswith("platform: Field required; environments: Field required")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[platform", "is not TOML"),
        (b"a = 1\na = 2\n", "is not TOML"),
        (b"platform: {}\n", "is not TOML"),
        (b"\xff\xfe\x00", "is not TOML"),
        (SMALL.encode("utf-16"), "is not TOML"),
        (b"[platform]\nrepository = '\xe9'\n", "is not TOML"),
    ],
)
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    told = refusal(file)
    assert told.startswith(f"settings file {file} {words}") and "\n" not in told


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml").endswith("none.toml cannot be read: No such file or directory")
    assert refusal(tmp_path).endswith("cannot be read: Is a directory")


URL = f"postgresql://user:{SECRET}@h/d"


@pytest.mark.parametrize(
    "text",
    [
        SMALL + f'database_url = "{URL}"\n',
        SMALL + f'database_url = ["{URL}"]\n',
        SMALL + f'database_ulr = "{URL}"\n',
        SMALL.replace('"namecard/database/staging"', f'{{password = "{SECRET}"}}'),
        SMALL + f'[trial]\ndatabase_url = {{x = "{URL}"}}\n',
        SMALL + f'[trial]\nurl = "{URL}"\n',
        SMALL + f'[aws.env]\nAWS_SECRET_ACCESS_KEY = ["{SECRET}"]\n',
        SMALL + f'[platform.install]\nargv = [""]\nenv = {{TOKEN = "{SECRET}"}}\n',
        SMALL + f'[paths]\nledger_url = ["{URL}"]\n',
        SMALL + f'[trial]\ndatabase_url = "{URL}\n',
        SMALL + f"[trial]\ndatabase_url = {URL}\n",
    ],
)
def test_a_secret_is_never_echoed(tmp_path: Path, text: str) -> None:
    with pytest.raises(MisuseError) as caught:
        load_settings(write(tmp_path, text))
    assert SECRET not in str(caught.value)
    # Dagster shows a failed load with its causes.
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("given", "anchored"),
    [
        ("platform", "{folder}/platform"),
        ("../platform", "{folder}/../platform"),
        ("/srv/platform", "/srv/platform"),
        ("https://github.com/example/namecard.git", "https://github.com/example/namecard.git"),
        ("file:///srv/platform", "file:///srv/platform"),
        ("ssh://git@github.com/example/namecard.git", "ssh://git@github.com/example/namecard.git"),
        ("git@github.com:example/namecard.git", "git@github.com:example/namecard.git"),
        # Nothing in it is read as an option or as a transport by git.
        ("--upload-pack=x", "{folder}/--upload-pack=x"),
        ("ext::sh -c x", "{folder}/ext::sh -c x"),
    ],
)
def test_a_repository_given_as_a_path_is_relative_to_the_file(tmp_path: Path, given: str, anchored: str) -> None:
    text = SMALL.replace("https://github.com/example/namecard.git", given)
    assert load_settings(write(tmp_path, text)).platform.repository == anchored.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("given", "anchored"),
    [
        ("sqlite:///var/ledger.sqlite", "sqlite:///{folder}/var/ledger.sqlite"),
        ("sqlite:////srv/ledger.sqlite", "sqlite:////srv/ledger.sqlite"),
        ("postgresql+psycopg2://h/ledger", "postgresql+psycopg2://h/ledger"),
    ],
)
def test_a_sqlite_ledger_is_relative_to_the_file(tmp_path: Path, given: str, anchored: str) -> None:
    loaded = load_settings(write(tmp_path, f'{SMALL}[paths]\nledger_url = "{given}"\n'))
    assert loaded.paths.ledger_url == anchored.format(folder=tmp_path)


def test_paths_are_relative_to_the_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "settings", f'{SMALL}[paths]\nwork = "w"\nstore = "/srv/store"\n[triage]\nevidence = "e"\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = load_settings(Path("../settings/namecard-release.toml"))
    paths = loaded.paths
    assert (paths.work, paths.store) == (tmp_path / "settings" / "w", Path("/srv/store"))
    assert paths.ledger_url == f"sqlite:///{tmp_path}/settings/var/ledger.sqlite"
    assert loaded.triage.evidence == str(tmp_path / "settings" / "e")


def test_an_unknown_environment_is_misuse(tmp_path: Path) -> None:
    loaded = load_settings(write(tmp_path))
    with pytest.raises(MisuseError, match="unknown environment 'prod': the settings declare staging"):
        loaded.environment("prod")
    with pytest.raises(MisuseError):
        loaded.environment("")


def test_an_environments_rules_stand_over_the_defaults(tmp_path: Path) -> None:
    text = f'{SMALL}alarms.errors = {{action = "page", sustain_seconds = 5}}\n'
    rules = load_settings(write(tmp_path, text)).environment("staging").alarm_rules()
    assert rules["errors"] == AlarmRule(AlarmAction.PAGE, 5)
    assert rules["latency"] == AlarmRule(AlarmAction.ROLL_BACK, 60)
    assert rules["dlq"] == AlarmRule(AlarmAction.PAGE)


def test_every_kind_of_alarm_has_a_rule(tmp_path: Path) -> None:
    rules = load_settings(write(tmp_path)).environment("staging").alarm_rules()
    assert {alarm_kind(name) for name in expected_alarms(SERVICES)} == set(rules)


def test_settings_are_frozen(tmp_path: Path) -> None:
    loaded = load_settings(write(tmp_path))
    with pytest.raises(ValidationError):
        loaded.platform.branch = "other"  # type: ignore[misc]


class TestFindSettings:
    """The order: given, the variable, the working directory, the sandbox."""

    @pytest.fixture(autouse=True)
    def _stand_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv(SETTINGS_VARIABLE, raising=False)

    @staticmethod
    def _make(*names: str) -> None:
        for name in names:
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text("", encoding="utf-8")

    def test_the_given_one_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SETTINGS_VARIABLE, "variable.toml")
        self._make("namecard-release.toml")
        assert find_settings(Path("given.toml")) == Path("given.toml")

    def test_the_variable_comes_second_even_where_its_file_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SETTINGS_VARIABLE, "variable.toml")
        self._make("namecard-release.toml")
        assert find_settings() == Path("variable.toml")

    def test_an_empty_variable_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SETTINGS_VARIABLE, "")
        self._make("namecard-release.toml")
        assert find_settings() == Path("namecard-release.toml")

    def test_the_working_directory_comes_before_the_sandbox(self) -> None:
        self._make("namecard-release.toml", ".sandbox/namecard-release.toml")
        assert find_settings() == Path("namecard-release.toml")

    def test_the_sandbox_comes_last(self) -> None:
        self._make(".sandbox/namecard-release.toml")
        Path("namecard-release.toml").mkdir()
        assert find_settings() == Path(".sandbox/namecard-release.toml")

    def test_without_any_it_says_what_to_do(self) -> None:
        with pytest.raises(MisuseError, match=r"no settings file: give --settings, set .* or start the sandbox"):
            find_settings()


def test_an_environment_goes_by_four_names(tmp_path: Path) -> None:
    text = SMALL.replace('stack_suffix = "staging"', 'stack_suffix = "stage"').replace('key = "staging"', 'key = "stg"')
    names = load_settings(write(tmp_path, text)).environment_names()
    assert names == {"staging": "stg", "stage": "stg", "stg": "stg"}


@pytest.mark.parametrize(
    ("requires", "following"),
    [
        ({}, {"dev": (), "staging": (), "prod": ()}),
        ({"prod": ["staging"]}, {"dev": (), "staging": ("prod",), "prod": ()}),
        (
            {"prod": ["staging"], "staging": ["dev"]},
            {"dev": ("staging", "prod"), "staging": ("prod",), "prod": ()},
        ),
        ({"prod": ["dev", "staging"]}, {"dev": ("prod",), "staging": ("prod",), "prod": ()}),
        ({"prod": ["staging"], "staging": ["prod"]}, {"dev": (), "staging": ("prod",), "prod": ("staging",)}),
    ],
)
def test_environments_follow_those_they_require(
    tmp_path: Path, requires: dict[str, list[str]], following: dict[str, tuple[str, ...]]
) -> None:
    keys = SMALL.partition("[environments.staging]")[2]
    head = SMALL.partition("[environments.staging]")[0]
    body = "".join(
        f"[environments.{name}]{keys}requires = {requires.get(name, [])}\n" for name in ("dev", "staging", "prod")
    )
    loaded = load_settings(write(tmp_path, head + body))
    assert {name: loaded.following(name) for name in loaded.environments} == following


def test_the_deadline_of_waiting_includes_the_wait_for_the_lease(tmp_path: Path) -> None:
    told = refusal(write(tmp_path, f"{SMALL}lease_wait_seconds = 5400\n"))
    assert "deadlines.waiting_seconds must be longer than lease_wait_seconds" in told and len(told.splitlines()) == 1
    longer = f"{SMALL}lease_wait_seconds = 5400\ndeadlines = {{ waiting_seconds = 5401 }}\n"
    limits = load_settings(write(tmp_path, longer)).environment("staging").deadlines.limits()
    assert (limits.gating, limits.waiting, limits.deploying, limits.verifying) == (7200, 5401, 7200, 1800)
