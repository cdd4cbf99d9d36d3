//! The HTML page in Chromium. A program of its own, as its tests are ignored where no Chromium is installed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
#![allow(dead_code, unused_imports, reason = "of the shared support, the page alone is used here")]

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use prismq_probe::{Requirement, Trial, chromium, run, trial};

use crate::support::page::full;

fn main() -> ExitCode {
    /// The tests of this list, each under its name.
    macro_rules! tests {
        ($($name:ident),+ $(,)?) => {
            vec![$(test(stringify!($name), $name)),+]
        };
    }
    run(tests![
        the_page_shows_every_figure_without_a_console_message,
        the_page_follows_the_colour_scheme_of_the_system_and_the_button,
        the_page_fits_a_narrow_screen_and_its_tables_sort,
        the_content_security_policy_blocks_injected_markup,
    ])
}

fn test(name: &str, check: fn()) -> Trial {
    trial(
        name,
        || Requirement::Chromium.probe(),
        move || {
            check();
            Ok(())
        },
    )
}

struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// What a browser made of a page.
struct Seen {
    document: String,
    console: Vec<String>,
}

impl Browser {
    fn new() -> Self {
        Self { program: chromium().unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self, page: &str, flags: &[&str]) -> Seen {
        let file = self.folder.path().join("report.html");
        std::fs::write(&file, page).unwrap();
        let profile = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-dev-shm-usage"])
            .args(["--enable-logging=stderr", "--timeout=30000", "--window-size=1280,1000"])
            .arg(user_data(profile.path()))
            .args(flags)
            .arg("--dump-dom")
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        let console = log.lines().filter(|line| line.contains("CONSOLE"));
        Seen {
            console: console.map(str::to_owned).collect(),
            document: String::from_utf8(output.stdout).unwrap(),
        }
    }
}

fn user_data(profile: &Path) -> String {
    format!("--user-data-dir={}", profile.display())
}

/// The page with a script that its policy would not let in, and without that policy.
fn probed(script: &str) -> String {
    let page = full();
    let (begin, rest) = page.split_once("<meta http-equiv").unwrap();
    let rest = rest.split_once('>').unwrap().1;
    let (rest, end) = rest.rsplit_once("</body>").unwrap();
    format!("{begin}{rest}<script>{script}</script></body>{end}")
}

/// What a probe left in the document.
fn answer(seen: &Seen) -> Vec<String> {
    let begin = seen.document.find("data-answer=\"").expect("the probe answered") + 13;
    let answer = seen.document[begin..].split('"').next().unwrap();
    answer.split(';').map(str::to_owned).collect()
}

fn the_page_shows_every_figure_without_a_console_message() {
    let browser = Browser::new();
    let seen = browser.open(&full(), &[]);
    assert_eq!(seen.console, Vec::<String>::new());
    let document = seen.document;
    assert_eq!(document.matches("<figure").count(), 11);
    assert!(document.contains("1 of 9 targets missed") && document.contains("FAIL"));
    let button = document.split_once("id=\"scheme\"").unwrap().1.split_once("</button>").unwrap().0;
    assert!(button.ends_with(">Dark") && !button.contains("hidden"), "the script ran: {button}");
}

fn the_page_follows_the_colour_scheme_of_the_system_and_the_button() {
    const PROBE: &str = "const colour = () => getComputedStyle(document.body).backgroundColor + ' '
            + getComputedStyle(document.querySelector('#scaling polyline')).stroke;
        const before = colour();
        document.getElementById('scheme').click();
        document.documentElement.dataset.answer = [before, colour()].join(';');";
    let browser = Browser::new();
    let light = answer(&browser.open(&probed(PROBE), &[]));
    let dark = answer(&browser.open(&probed(PROBE), &["--force-dark-mode"]));
    assert!(light[0].starts_with("rgb(245, 246, 248)"), "{light:?}");
    assert!(light[1].starts_with("rgb(13, 17, 23)"), "{light:?}");
    assert_eq!([&dark[0], &dark[1]], [&light[1], &light[0]]);
    let line = |answer: &str| answer.split_once(") ").unwrap().1.to_owned();
    assert_ne!(line(&light[0]), line(&light[1]), "lines change with the scheme");
}

fn the_page_fits_a_narrow_screen_and_its_tables_sort() {
    // A window is never as narrow as a telephone, a frame is.
    const PROBE: &str = "const frame = document.createElement('iframe');
        frame.style.width = '360px'; frame.style.height = '800px';
        if (window.top === window) {
            frame.srcdoc = document.documentElement.outerHTML;
            document.body.append(frame);
            frame.onload = () => {
                const inner = frame.contentDocument;
                const shown = [...inner.querySelectorAll('figure .narrow > svg')];
                const drawn = shown.filter(svg => svg.getBoundingClientRect().height > 100
                    || svg.closest('details'));
                const table = inner.querySelector('table.sortable');
                const head = table.tHead.rows[0].cells[1].querySelector('button');
                const first = () => parseFloat(table.tBodies[0].rows[0].cells[1].textContent.replace(' ', ''));
                const all = [...table.tBodies[0].rows]
                    .map(row => parseFloat(row.cells[1].textContent.replace(' ', '')));
                head.click();
                const down = first() === Math.max(...all);
                head.click();
                const up = first() === Math.min(...all) && all.length > 5;
                const wide = inner.documentElement.scrollWidth;
                document.documentElement.dataset.answer =
                    [wide <= 360, shown.length > 10 && drawn.length === shown.length, down, up]
                        .join(';');
            };
        }";
    let browser = Browser::new();
    let seen = browser.open(&probed(PROBE), &["--virtual-time-budget=5000"]);
    let answer = answer(&seen);
    assert_eq!(answer, ["true"; 4]);
}

fn the_content_security_policy_blocks_injected_markup() {
    let browser = Browser::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let intruder =
        format!("<img src=\"http://{address}/x\"><script>document.title = 'taken'</script></body>");
    let seen = browser.open(&full().replace("</body>", &intruder), &[]);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "a request left the page");
    assert!(!seen.document.contains("<title>taken"));
    let refused = seen.console.iter().filter(|line| line.contains("Content Security Policy"));
    assert_eq!(refused.count(), 2, "{:?}", seen.console);
}
