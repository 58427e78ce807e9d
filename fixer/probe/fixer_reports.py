"""Keeps pytest from saying, and writing down for its next run, what nobody reads: that takes longer than most tests."""

_REMEMBERING = ("lfplugin", "nfplugin", "stepwiseplugin")
_OF_TESTS = {"pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"}


def forget_failures(plugins):
    """Have nothing written down for the next run."""
    for name in _REMEMBERING:
        if plugins.has_plugin(name):
            plugins.unregister(name=name)


def print_less(plugins):
    """Have nothing printed of the tests, all of which is recorded; what pytest says of itself is."""
    _replace(plugins, lambda reporter: _Silent(reporter, _hooks(reporter) - _OF_TESTS))


def print_nothing(plugins):
    """Have nothing printed from here on; what prints is still there for those who ask for it."""
    _replace(plugins, _Silent)


def say_little(plugins):
    """Besides, have reports tell how a phase ended and not why: to find words for it is what takes most of the time."""
    forget_failures(plugins)
    print_nothing(plugins)
    plugins.register(_quick_reports())


def _replace(plugins, by):
    reporter = plugins.get_plugin("terminalreporter")
    if reporter is not None:
        plugins.unregister(name="terminalreporter")
        plugins.register(by(reporter), "terminalreporter")


def _hooks(plugin):
    return {name for name in dir(plugin) if name.startswith("pytest_")}


class _Silent:
    """Has all that the reporter has, but for pytest only these hooks: pluggy looks for them in what `dir` tells."""

    def __init__(self, reporter, hooks=()):
        self._reporter = reporter
        for name in hooks:
            setattr(self, name, getattr(reporter, name))

    def __getattr__(self, name):
        return getattr(self._reporter, name)


def _quick_reports():
    import pytest
    from _pytest.reports import TestReport

    class QuickReports:
        @pytest.hookimpl  # not tryfirst: unittest's own puts exceptions where they are looked for
        def pytest_runtest_makereport(self, item, call):
            # Of what has not passed some plugins, junitxml for one, will not believe that there is nothing to say.
            why: object
            ended, why = ("passed", None) if call.excinfo is None else ("failed", "failed")
            if call.excinfo is not None and isinstance(call.excinfo.value, pytest.skip.Exception):
                ended, why = "skipped", ("", 0, "skipped")
            return TestReport(item.nodeid, item.location, {}, ended, why, call.when)  # type: ignore[arg-type]

    return QuickReports()
