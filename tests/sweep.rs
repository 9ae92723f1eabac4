//! Sweeps that are interrupted, cut off, damaged, shared out and joined.

use dlr::Error;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::optimizer::{Entry, Hyper, Optimizer};
use dlr::engine::settings::Settings;
use dlr::engine::trainer::Stop;
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::experiments::sweep::run::{Keep, Outcome, Run, Times};
use dlr::experiments::sweep::shard::{Shard, find_parts, join};
use dlr::experiments::sweep::times::Clocks;
use dlr::experiments::sweep::{Sweep, Watcher};
use dlr::experiments::tune::{Trial, tune};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Instant;
use tempfile::TempDir;

/// MNIST, by way of a cache that cargo keeps for the tests of this build.
static MNIST: LazyLock<Dataset> = LazyLock::new(|| {
    let cache = CachePolicy { folders: vec![concat!(env!("CARGO_TARGET_TMPDIR"), "/cache").into()] };
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
    Dataset::open_with(folder, &cache).expect("MNIST is whole")
});

fn header(plan: &str) -> Header {
    Header::new("test", &plan, &MNIST)
}

fn outcome(images: u64) -> Outcome {
    Outcome {
        stop: Stop::Target,
        images,
        epochs: images as f64 / 60_000.0,
        test_accuracy: 0.9601,
        validation_accuracy: None,
        weights_sha256: "ab".repeat(32),
        curve: Vec::new(),
        rates: Vec::new(),
    }
}

/// A journal of three runs, and its bytes.
fn three_runs(folder: &Path) -> (PathBuf, Vec<u8>) {
    let path = folder.join("whole.journal");
    let mut journal = Journal::open(&path, header("plan")).unwrap();
    for (key, images) in [("b", 600), ("c", 1200), ("a", 1800)] {
        journal.add(key.to_owned(), outcome(images)).unwrap();
    }
    drop(journal);
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

/// Where the lines end.
fn ends(bytes: &[u8]) -> Vec<usize> {
    (1..=bytes.len()).filter(|&end| bytes[end - 1] == b'\n').collect()
}

#[test]
fn a_tail_that_was_cut_off_anywhere_is_removed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let (_, bytes) = three_runs(folder.path());
    let ends = ends(&bytes);
    assert_eq!(ends.len(), 4, "a header and three runs");
    let path = folder.path().join("cut.journal");
    for length in 0..=bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let whole = ends.iter().filter(|&&end| end <= length).count();
        let mut journal = Journal::open(&path, header("plan")).unwrap();
        assert_eq!(journal.len(), whole.saturating_sub(1), "{length} bytes");
        assert_eq!(journal.is_empty(), whole < 2, "{length} bytes");
        let is_torn = length > 0 && !ends.contains(&length);
        let torn = length - ends.iter().filter(|&&end| end <= length).max().unwrap_or(&0);
        let told = format!("{}: the last line was cut off; its {torn} bytes were removed", path.display());
        assert_eq!(journal.warning, is_torn.then_some(told), "{length} bytes");
        journal.add("d".to_owned(), outcome(2400)).unwrap();
        drop(journal);
        let again = Journal::open(&path, header("plan")).unwrap();
        assert_eq!((again.len(), &again.warning), (whole.saturating_sub(1) + 1, &None), "{length} bytes");
        assert_eq!(again.get("d"), Some(&outcome(2400)));
    }
}

#[test]
fn damage_is_refused_by_its_line() {
    let folder = TempDir::new().unwrap();
    let (_, bytes) = three_runs(folder.path());
    let ends = ends(&bytes);
    let path = folder.path().join("damaged.journal");
    for place in 0..bytes.len() {
        let line = 1 + ends.iter().filter(|&&end| end <= place).count();
        for change in [0x01, 0x20, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= change;
            fs::write(&path, &damaged).unwrap();
            let opened = Journal::open(&path, header("plan"));
            let words = opened.as_ref().map_or_else(ToString::to_string, |_| String::new());
            match (line, opened) {
                // Checksums are read whether they are in capitals or not.
                (_, Ok(journal)) if journal.warning.is_none() => {
                    assert!(change == 0x20 && bytes[place].is_ascii_hexdigit(), "{place}: {change:x}");
                    assert_eq!(journal.len(), 3);
                }
                // Without its end, the last line is one that was cut off.
                (4, Ok(journal)) => {
                    assert!(place == bytes.len() - 1 || damaged.contains(&0));
                    assert_eq!(journal.len(), 2);
                }
                (1, Err(Error::Data { .. })) => {
                    assert!(words.contains("no journal") || words.contains("line"), "{words}");
                }
                (_, Err(Error::Data { .. })) => {
                    assert!(words.contains(&format!("line {line} is damaged")), "{place}: {words}");
                    assert_eq!(fs::read(&path).unwrap(), damaged, "what is refused is left alone");
                }
                (_, other) => panic!("{place}, {change:x}: {other:?}"),
            }
        }
    }
}

#[test]
fn blocks_that_never_reached_the_disk_are_cut_with_the_last_line() {
    let folder = TempDir::new().unwrap();
    let (path, bytes) = three_runs(folder.path());
    let last = ends(&bytes)[2];
    for (from, to) in [(last, last + 20), (last + 30, bytes.len() - 1), (last + 30, bytes.len())] {
        let mut torn = bytes.clone();
        torn[from..to].fill(0);
        fs::write(&path, &torn).unwrap();
        let journal = Journal::open(&path, header("plan")).unwrap();
        assert_eq!((journal.len(), journal.warning.is_some()), (2, true));
    }
}

#[test]
fn a_journal_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let (path, bytes) = three_runs(folder.path());
    let words = |header| Journal::open(&path, header).unwrap_err().to_string();
    assert!(words(header("other")).contains("a journal of another test sweep: its plan or data differ"));
    let other = Header::new("compare", &"plan", &MNIST);
    assert!(words(other).contains("a journal of another sweep: test, not compare; choose another"));
    assert_eq!(fs::read(&path).unwrap(), bytes);

    fs::write(&path, "some text\n").unwrap();
    assert!(words(header("plan")).contains("no journal of dlr"));
    fs::write(&path, "some text").unwrap();
    assert!(words(header("plan")).contains("no journal of dlr"));
    assert_eq!(fs::read(&path).unwrap(), b"some text");
    // They begin as a header that was cut off does.
    for other in ["5feceb66ffc86f38d952", "20261128 20261128 {\"sweep\":"] {
        fs::write(&path, other).unwrap();
        assert!(words(header("plan")).contains("no journal of dlr"));
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(words(header("plan")).starts_with("cannot write"));
}

/// They are not read: one of them would never end. Nothing here starts a process, as to make a pipe would: until that has begun, it
/// holds all files that are open, and so the locks of other tests' journals.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_no_journal() {
    for path in ["/dev/null", "/dev/zero"].map(Path::new) {
        let told = format!("{}: not a file; give a journal, or a name that is not taken", path.display());
        assert_eq!(Journal::open(path, header("plan")).unwrap_err().to_string(), told);
        assert_eq!(Journal::load(path).unwrap_err().to_string(), told);
    }
}

#[test]
fn a_damaged_time_is_lost_and_no_other() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("times");
    let times = |seconds| Times { train_s: seconds, wall_s: seconds };
    let mut clocks = Clocks::open(&path).unwrap();
    for (key, seconds) in [("a", 1.0), ("b", 2.0), ("c", 3.0)] {
        clocks.add(key.to_owned(), times(seconds)).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|&byte| byte == b'b').unwrap();
    for damage in [0x00, 0xff, b'\n'] {
        let mut bytes = whole.clone();
        bytes[second - 1] = damage;
        fs::write(&path, bytes).unwrap();
        let read = Clocks::open(&path).unwrap();
        assert_eq!(["a", "b", "c"].map(|key| read.get(key)), [Some(times(1.0)), None, Some(times(3.0))]);
    }
    // What cannot be read is not taken for what is not there.
    let told = Clocks::open(folder.path()).unwrap_err().to_string();
    assert!(told.starts_with(&format!("cannot read {}: ", folder.path().display())), "{told}");
    // What may never end is not read.
    let told = "/dev/zero: not a file; remove it, or choose another name for the journal";
    assert_eq!(Clocks::open(Path::new("/dev/zero")).unwrap_err().to_string(), told);
}

/// Where the file of times lies on no disk, there is no room; where it is a folder, nothing can be written.
#[cfg(target_os = "linux")]
#[test]
fn a_time_that_cannot_be_written_is_not_kept_and_neither_is_its_run() {
    let folder = TempDir::new().unwrap();
    let [journal, full, taken] = ["a.journal", "full", "taken"].map(|name| folder.path().join(name));
    let run = &runs()[0];
    let mut clocks = [&full, &taken].map(|path| Clocks::open(path).unwrap());
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    fs::create_dir(&taken).unwrap();
    for (clocks, why) in
        clocks.iter_mut().zip(["No space left on device (os error 28)", "Is a directory (os error 21)"])
    {
        let told = clocks.add("a".to_owned(), Times { train_s: 1.0, wall_s: 1.0 }).unwrap_err().to_string();
        let cure = "make room, and run the same command again";
        assert!(told.starts_with("cannot write ") && told.ends_with(&format!(": {why}; {cure}")), "{told}");
        assert_eq!(clocks.get("a"), None);
    }

    // The same command trains it again, and then has its time.
    let open = || Sweep::new(&MNIST, Journal::open(&journal, header("plan")).unwrap(), &());
    let [clocks, _] = clocks;
    assert!(matches!(open().timed(clocks).outcome(run), Err(Error::Write { path, .. }) if path == full));
    assert!(Journal::open(&journal, header("plan")).unwrap().is_empty());
    fs::remove_file(&full).unwrap();
    let sweep = open().timed(Clocks::open(&full).unwrap());
    sweep.outcome(run).unwrap();
    assert!(sweep.times(run).is_some());
}

/// A reader in a hurry misreads one in twelve of such numbers by its last bit.
#[test]
fn numbers_are_read_as_they_were_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("numbers.journal");
    let curve: Vec<f64> = (1..=20_000).map(|n| f64::from(n) / 30_011.0).collect();
    let want = Outcome { test_accuracy: 287.0 / 300.0, curve, ..outcome(600) };
    Journal::open(&path, header("plan")).unwrap().add("a".to_owned(), want.clone()).unwrap();
    let journal = Journal::open(&path, header("plan")).unwrap();
    assert!(journal.get("a") == Some(&want), "a number came back as another");
    let before = fs::read(&path).unwrap();
    journal.seal().unwrap();
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn two_cannot_write_to_one_journal() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("busy.journal");
    let first = Journal::open(&path, header("plan")).unwrap();
    let second = Journal::open(&path, header("plan")).unwrap_err().to_string();
    assert!(second.contains("another dlr is writing to this journal"), "{second}");
    // Nor is it read meanwhile.
    assert_eq!(Journal::load(&path).unwrap_err().to_string(), second);
    drop(first);
    Journal::open(&path, header("plan")).unwrap();
    Journal::load(&path).unwrap();
    let nowhere = folder.path().join("none.journal");
    let told = Journal::load(&nowhere).unwrap_err().to_string();
    assert!(told.starts_with(&format!("cannot read {}: ", nowhere.display())), "{told}");
}

/// Runs of a moment, all different.
fn runs() -> Vec<Run> {
    let entry = Entry::find("sgd").unwrap();
    let of_seed = |seed| {
        let optimizer = entry.with(&entry.defaults, &Hyper::default()).unwrap();
        let small =
            Settings { images: Some(600), epochs: 1, test_every: 200, seed, ..Settings::new(5, optimizer) };
        let keep = if seed.is_multiple_of(3) { Keep::Curve } else { Keep::End };
        Run { keep, ..Run::new(small) }
    };
    (1..=12).map(of_seed).collect()
}

#[test]
fn only_a_target_that_was_hit_took_so_many_images() {
    let hit = outcome(600);
    assert_eq!((hit.epochs_to_target(), hit.images_to_target()), (Some(0.01), Some(600)));
    for stop in [Stop::Epochs, Stop::Stalled, Stop::Diverged, Stop::Outrun] {
        let missed = Outcome { stop, ..outcome(600) };
        assert_eq!((missed.epochs_to_target(), missed.images_to_target()), (None, None));
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Watcher for Told {
    fn wanted(&self, runs: usize) {
        self.0.lock().unwrap().push(format!("{runs} wanted"));
    }

    fn spared(&self, runs: usize) {
        self.0.lock().unwrap().push(format!("{runs} spared"));
    }

    fn finished(&self, is_new: bool) {
        self.0.lock().unwrap().push(if is_new { "trained" } else { "read" }.to_owned());
    }
}

#[test]
fn a_watcher_is_told_of_all_runs_and_a_clock_of_new_ones() {
    let folder = TempDir::new().unwrap();
    let [journal, times] = ["a.journal", "a.times"].map(|name| folder.path().join(name));
    let (runs, watcher) = (runs(), Told::default());
    let open = || Sweep::new(&MNIST, Journal::open(&journal, header("plan")).unwrap(), &watcher);
    let sweep = open();
    sweep.wants(3);
    let outcome = sweep.outcome(&runs[0]).unwrap();
    assert_eq!(sweep.times(&runs[0]), None, "nobody looked at the clock");
    sweep.complete().unwrap();

    let sweep = open().timed(Clocks::open(&times).unwrap());
    assert_eq!(sweep.outcome(&runs[0]).unwrap(), outcome);
    sweep.outcome(&runs[1]).unwrap();
    sweep.wants_no_more(1);
    let told = ["3 wanted", "trained", "read", "trained", "1 spared"];
    assert_eq!(*watcher.0.lock().unwrap(), told);
    assert_eq!((sweep.times(&runs[0]), sweep.times(&runs[2])), (None, None));
    let kept = sweep.times(&runs[1]).unwrap();
    assert!(kept.train_s > 0.0 && kept.train_s < kept.wall_s, "{kept:?}");
    assert_eq!(Clocks::open(&times).unwrap().get(&runs[1].key(&MNIST)), Some(kept));
}

/// A search of ten rates, some of which are stopped early.
fn searched(data: &Dataset, watcher: &dyn Watcher) -> Vec<(Option<u64>, usize)> {
    let entry = Entry::find("sgd").unwrap();
    let settings = |hyper: &Hyper, seed| {
        let optimizer = entry.with(&entry.defaults, hyper)?;
        Ok(Settings { epochs: 40, test_every: 1, seed, ..Settings::new(3, optimizer) })
    };
    let propose = |trials: &[Trial]| {
        let next = [5.0, 0.0, 2.0, 0.001, 9.0, 0.5].into_iter().skip(trials.len()).take(2);
        next.map(Hyper::lr).collect()
    };
    let sweep = Sweep::new(data, Journal::in_memory(Header::new("test", &"tune", data)), watcher);
    let found = tune(&sweep, &[1, 2, 3], settings, propose, true).unwrap();
    found.trials.into_iter().map(|trial| (trial.images, trial.runs.len())).collect()
}

#[test]
fn all_runs_that_are_wanted_are_finished_or_spared_and_nobody_has_to_watch() {
    let split = (&[255, 0, 0, 255][..], &[0, 1][..]);
    let data = Dataset::from_arrays("d", (2, 1), split, split).unwrap();
    let watcher = Told::default();
    let found = searched(&data, &watcher);
    assert_eq!(found, searched(&data, &()));
    let told = watcher.0.into_inner().unwrap();
    let runs = |what: &str| -> usize {
        told.iter().filter_map(|told| told.strip_suffix(what)?.parse::<usize>().ok()).sum()
    };
    let trained = told.iter().filter(|told| *told == "trained").count();
    assert_eq!((runs(" wanted"), trained + runs(" spared")), (18, 18));
    assert!(runs(" spared") > 0 && found.iter().any(|(images, _)| images.is_some()), "{found:?}");
}

/// The mean rates are there for the reader, so that the run's clock stands still meanwhile.
#[test]
fn rates_are_kept_from_the_start_on_and_take_no_time() {
    // So small that half of the time goes into the rates.
    let split = (&[255, 0, 0, 255][..], &[0, 1][..]);
    let data = Dataset::from_arrays("d", (2, 1), split, split).unwrap();
    let dlr = Optimizer::named("dlr", &Hyper::NONE).unwrap();
    let settings = Settings { epochs: 500, test_every: 1, target: None, ..Settings::new(200, dlr) };
    let run = Run { keep: Keep::Rates, ..Run::new(settings) };
    // Whatever else keeps the machine busy makes less of a difference to some of many.
    let seen = (0..20).map(|_| {
        let since = Instant::now();
        let (outcome, times) = run.train(&data, &|| false).unwrap();
        let all = since.elapsed().as_secs_f64();
        assert_eq!((outcome.curve.len(), outcome.rates.len()), (1000, 1001));
        assert!(times.train_s <= times.wall_s && times.wall_s < all, "{times:?} of {all} s");
        times.wall_s / all
    });
    let least = seen.fold(f64::INFINITY, f64::min);
    assert!(least < 0.75, "{least} of the time");
}

/// Lets some runs happen, and then no more.
struct Patience {
    left: AtomicUsize,
    new: AtomicUsize,
}

impl Patience {
    fn new(runs: usize) -> Self {
        Self { left: AtomicUsize::new(runs), new: AtomicUsize::new(0) }
    }
}

impl Watcher for Patience {
    fn finished(&self, is_new: bool) {
        if is_new {
            self.new.fetch_add(1, Ordering::Relaxed);
            let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// Goes on with a sweep over all `runs`: how many were new, and whether it was completed.
fn go_on(path: &Path, runs: &[Run], patience: usize, threads: usize) -> (usize, Result<Vec<Outcome>, Error>) {
    let watcher = Patience::new(patience);
    let sweep = Sweep::new(&MNIST, Journal::open(path, header("plan")).unwrap(), &watcher);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let outcomes = pool.install(|| sweep.each(runs, |run| sweep.outcome(run)));
    if outcomes.is_ok() {
        sweep.complete().unwrap();
    }
    (watcher.new.into_inner(), outcomes)
}

#[test]
fn an_interrupted_sweep_goes_on_to_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let runs = runs();
    let whole = folder.path().join("uninterrupted.journal");
    let (new, want) = go_on(&whole, &runs, usize::MAX, 1);
    let want = want.unwrap();
    assert_eq!((new, want.len()), (12, 12));
    assert!(want.iter().all(|outcome| outcome.images == 600 && outcome.stop == Stop::Epochs));
    let curves: Vec<_> = want.iter().map(|outcome| outcome.curve.len()).collect();
    assert_eq!(curves, [0, 0, 3, 0, 0, 3, 0, 0, 3, 0, 0, 3]);

    for threads in [1, 3] {
        let path = folder.path().join(format!("{threads}.journal"));
        let mut made = 0;
        for patience in [2, 0, 4] {
            let (new, cut) = go_on(&path, &runs, patience, threads);
            assert!(matches!(cut, Err(Error::Interrupted)), "{cut:?}");
            made += new;
        }
        let (new, outcomes) = go_on(&path, &runs, usize::MAX, threads);
        assert_eq!((made + new, outcomes.unwrap()), (12, want.clone()), "nothing is lost or done twice");
        assert_eq!(fs::read(&path).unwrap(), fs::read(&whole).unwrap());
        assert_eq!(go_on(&path, &runs, usize::MAX, threads).0, 0);
    }
}

#[test]
fn parts_join_to_the_whole_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let runs = runs();
    let whole = folder.path().join("whole.journal");
    go_on(&whole, &runs, usize::MAX, 1).1.unwrap();

    let shards: Vec<Shard> = (1..=5).map(|i| format!("{i}/5").parse().unwrap()).collect();
    let mut parts: Vec<PathBuf> = shards.iter().map(|shard| shard.path(folder.path(), "test")).collect();
    let mut all = 0;
    for (shard, path) in shards.iter().zip(&parts) {
        let part = shard.of(&runs);
        all += part.len();
        go_on(path, &part, usize::MAX, 1).1.unwrap();
    }
    assert_eq!(all, 12);
    parts.reverse();
    let joined = folder.path().join("joined.journal");
    for _ in 0..2 {
        assert_eq!(join(&parts, &joined).unwrap().len(), 12);
        assert_eq!(fs::read(&joined).unwrap(), fs::read(&whole).unwrap());
    }

    // A part of something else, one that disagrees, and one that was cut off.
    let refused = |path: &Path| join(&[parts[0].clone(), path.to_owned()], &joined).unwrap_err().to_string();
    let other = folder.path().join("other.journal");
    drop(Journal::open(&other, header("other")).unwrap());
    assert!(refused(&other).contains("a journal of another test sweep"));
    let liar = folder.path().join("liar.journal");
    let mut journal = Journal::open(&liar, header("plan")).unwrap();
    journal.add(shards[4].of(&runs)[0].key(&MNIST), outcome(1)).unwrap();
    drop(journal);
    let told = refused(&liar);
    assert!(
        told.starts_with(&format!("{}: run ", liar.display())) && told.contains("came out otherwise"),
        "{told}"
    );
    let bytes = fs::read(&parts[1]).unwrap();
    fs::write(&other, &bytes[..bytes.len() - 1]).unwrap();
    assert!(refused(&other).contains("whose last line was cut off"));
    assert_eq!(fs::read(&joined).unwrap(), fs::read(&whole).unwrap(), "what was there is left alone");
}

#[test]
fn shards_are_parts_of_a_whole() {
    for of in 1..=9 {
        let mut seen: Vec<usize> =
            (0..of).flat_map(|index| Shard { index, of }.of(&(0..20).collect::<Vec<_>>())).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..20), "{of}");
    }
    for (text, shard) in [("3/8", Shard { index: 2, of: 8 }), ("1/100000", Shard { index: 0, of: 100_000 })] {
        assert_eq!((text.parse(), &*shard.to_string()), (Ok(shard), text));
    }
    for text in ["0/8", "9/8", "1/0", "1", "a/2", "1/2/3", "-1/2", "1/100001", ""] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}

#[test]
fn the_parts_in_a_folder_are_found_by_their_names() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let told = || find_parts(folder.path()).unwrap_err().to_string();
    let none =
        format!("{}: there are no journals of parts; make them with --shard I/N", folder.path().display());
    assert_eq!(told(), none);
    // None of these is a part, or they would be the same part in another spelling.
    for other in ["a.journal", "a.1-of-2.times", "a.01-of-2.journal", "a.0-of-2.journal", "a.3-of-2.journal"]
    {
        fs::write(path(other), "").unwrap();
    }
    assert_eq!(told(), none);

    let shards = |name: &str, of: usize| -> Vec<_> {
        (0..of).map(|index| Shard { index, of }.path(folder.path(), name)).collect()
    };
    assert_eq!(shards("a", 2), [path("a.1-of-2.journal"), path("a.2-of-2.journal")]);
    shards("a", 2).iter().chain(&shards("b.c", 11)).for_each(|path| fs::write(path, "").unwrap());
    let found = find_parts(folder.path()).unwrap();
    assert!(found.into_iter().eq([("a".to_owned(), shards("a", 2)), ("b.c".to_owned(), shards("b.c", 11))]));

    fs::remove_file(path("b.c.10-of-11.journal")).unwrap();
    let missing = path("b.c.10-of-11.journal");
    let missing = format!("{}: this part is missing; make it with --shard 10/11", missing.display());
    assert_eq!(told(), missing);
    fs::write(path("a.1-of-3.journal"), "").unwrap();
    assert!(told().contains(": a is divided in 2 and in 3 parts; keep the parts of one"), "{}", told());
}

#[test]
fn runs_are_known_by_what_decides_them() {
    let run = &runs()[0];
    let key = run.key(&MNIST);
    assert_eq!(key, run.clone().key(&MNIST));
    let other_seed = Run::new(Settings { seed: 99, ..run.settings.clone() });
    let other_limit = Run { limit: Some(200), ..run.clone() };
    let other_keep = Run { keep: Keep::Curve, ..run.clone() };
    for other in [other_seed, other_limit, other_keep] {
        assert_ne!(other.key(&MNIST), key);
    }
}

#[test]
fn a_run_past_its_limit_is_outrun() {
    let run = &runs()[0];
    let limited = Run { limit: Some(400), ..run.clone() };
    let (outcome, _) = limited.train(&MNIST, &|| false).unwrap();
    assert_eq!((outcome.stop, outcome.images, outcome.epochs_to_target()), (Stop::Outrun, 400, None));
    // A hit at the last test within the limit is a hit.
    let easy = Settings { target: Some(0.0), ..run.settings.clone() };
    let (outcome, _) = Run { limit: Some(200), ..Run::new(easy) }.train(&MNIST, &|| false).unwrap();
    assert_eq!((outcome.stop, outcome.images_to_target()), (Stop::Target, Some(200)));
}

#[test]
fn a_run_that_many_ask_for_at_once_is_kept_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("same.journal");
    let same: Vec<Run> = vec![runs()[0].clone(); 8];
    let sweep = Sweep::new(&MNIST, Journal::open(&path, header("plan")).unwrap(), &());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let outcomes = pool.install(|| sweep.each(&same, |run| sweep.outcome(run))).unwrap();
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]));
    drop(sweep); // not completed, so that the journal is as it was written
    assert_eq!(Journal::open(&path, header("plan")).unwrap().len(), 1);
}
