//! A browser without a screen, driven by `tests/interop/browser/driver.mjs`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::Running;

/// Seen from the crate of the program.
const DRIVER: &str = "../../tests/interop/browser/driver.mjs";

/// A browser starts slowly on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(120);

/// A scene that is being played.
pub(crate) struct Browser(Running);

impl Browser {
    /// Starts a scene.
    pub(crate) fn play(scene: &str, settings: &Value) -> Self {
        let mut command = Command::new("node");
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join(DRIVER);
        command.arg(driver).arg(scene).arg(settings.to_string());
        Self(Running::start(&format!("browser: {scene}"), command))
    }

    /// Waits until it tells this.
    pub(crate) fn tells(&self, what: &str) {
        self.0.line(what, LIMIT, |line| line == what);
    }

    /// Waits until the scene is over, and panics unless it went as it should.
    pub(crate) fn finish(self) {
        let finished = self.0.finish(LIMIT);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
    }
}
