//! `dlr profile`: how fast every optimizer trains, and where the time goes.

use super::args::Profile as Args;
use super::exit::{Code, complain, print, warn};
use super::outputs::{CURE, Files};
use super::signals::Signals;
use dlr::engine::optimizer::Hyper;
use dlr::engine::threads::pool;
use dlr::experiments::profile::{Cell, LEAST_ROUNDS, Plan, Watcher, profile};
use dlr::report::baseline::{Baseline, comparison};
use dlr::report::machine::Engine;
use dlr::report::{profile as report, roofline};
use dlr::{Error, Result, files};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

pub(super) fn run(args: Args, mut files: Files) -> Result<Code> {
    let threads = args.threads as usize;
    let engine = Engine::here(threads);
    if cfg!(debug_assertions) {
        return Err(Error::Settings {
            option: "dlr profile",
            problem: "this is a debug build, whose times mean nothing".into(),
            cure: "build with --release".into(),
        });
    }
    engine.warnings().iter().for_each(|warning| warn(warning));
    let plan = plan(&args)?;
    files.reads("the baseline", args.baseline.as_deref());
    files.draws("--svg", args.svg.as_deref())?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    if let Some(baseline) = &baseline {
        baseline.check(&cells(&plan, threads))?;
        baseline.warning(&engine).iter().for_each(|warning| warn(warning));
        if args.fail_if_slower.is_some() {
            check_rounds(args.rounds)?;
            baseline.check_rounds()?;
        }
    }
    let data = args.source.open()?;
    plan.check(&data)?;
    files.spare(&data)?;
    baseline.as_ref().map_or(Ok(()), |baseline| baseline.check_data(&data))?;
    let signals = Signals::listen()?;
    let pool = pool(threads)?;

    let mut watcher = Shown::new(args.quiet, signals.clone());
    let found = profile(&plan, &data, &pool, &mut watcher);
    watcher.finish();
    let found = found?;
    report::warnings(&found).iter().for_each(|warning| warn(warning));
    let interrupted = if found.interrupted { signals.received() } else { None };
    if let (Some(code), true) = (interrupted, found.cells.is_empty()) {
        return Ok(code); // there is nothing to tell yet
    }

    let drawn =
        args.svg.as_deref().map_or(Ok(()), |path| files::write(path, roofline::svg(&found).as_bytes(), CURE));
    // The result is told even where it could not be drawn.
    if args.json {
        print(&report::json_lines(&found, &data, &engine))?;
    } else {
        print(&report::tables(&found, &data, &engine))?;
    }
    drawn?;
    let mut slower = false;
    if let Some(baseline) = &baseline {
        let compared = match baseline.compare(&found) {
            Err(_) if let Some(code) = interrupted => return Ok(code), // before any common cell was measured
            compared => compared?,
        };
        let text = comparison(&compared, args.fail_if_slower);
        // Beside JSON, it must not be on stdout.
        if args.json {
            text.lines().for_each(|line| complain(format_args!("{line}")))
        } else {
            print(&format!("\n{text}"))?
        }
        slower = args.fail_if_slower.is_some_and(|share| compared.iter().any(|one| one.is_slower(share)));
    }
    Ok(interrupted.unwrap_or(if slower { Code::Slower } else { Code::Done }))
}

fn plan(args: &Args) -> Result<Plan> {
    let optimizers = args.optimizers.0.iter().map(|entry| entry.with(&entry.defaults, &Hyper::default()));
    Ok(Plan {
        optimizers: optimizers.collect::<Result<_>>()?,
        hidden: distinct(&args.hidden),
        batch: distinct(&args.batch),
        images: args.images.map(|images| images as usize),
        rounds: args.rounds,
    })
}

/// Whether a verdict can be founded on so many rounds.
fn check_rounds(rounds: Option<u64>) -> Result<()> {
    match rounds {
        Some(rounds) if rounds < LEAST_ROUNDS => Err(Error::Settings {
            option: "--fail-if-slower",
            problem: format!("--rounds {rounds} is too few to tell what is slower by chance"),
            cure: format!("give --rounds {LEAST_ROUNDS} or more, or leave it out"),
        }),
        _ => Ok(()),
    }
}

/// All cells that the plan asks for.
fn cells(plan: &Plan, threads: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &hidden in &plan.hidden {
        for &batch in &plan.batch {
            for optimizer in &plan.optimizers {
                cells.push(Cell { optimizer: optimizer.name().to_owned(), hidden, batch, threads });
            }
        }
    }
    cells
}

/// Each number once, in the order in which they came.
fn distinct(numbers: &[u64]) -> Vec<usize> {
    let mut distinct = Vec::new();
    for &number in numbers {
        let number = number as usize;
        if !distinct.contains(&number) {
            distinct.push(number);
        }
    }
    distinct
}

/// How far it is: a line on a terminal, nothing elsewhere, or where that is wanted.
struct Shown {
    signals: Signals,
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new(quiet: bool, signals: Signals) -> Self {
        let bar = (!quiet).then(|| {
            let style =
                ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is well formed");
            let bar = ProgressBar::new_spinner().with_style(style).with_message("the first round");
            bar.enable_steady_tick(Duration::from_millis(200));
            if bar.is_hidden() {
                complain(format_args!("measuring; with the defaults, this takes about a minute"));
            }
            bar
        });
        Self { signals, bar }
    }

    fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Watcher for Shown {
    fn round(&mut self, round: u64, at_most: u64, widest: f64) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!(
                "round {round} of at most {at_most}, widest spread {:.1} %",
                100.0 * widest
            ));
        }
    }

    fn wants_to_stop(&mut self) -> bool {
        self.signals.received().is_some()
    }
}
