//! A run that goes on from a file comes to the same bits as one that never stopped, wherever that was.

use dlr::Error;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::checkpoint::{Checkpoint, Initial, Origin};
use dlr::engine::network::Network;
use dlr::engine::optimizer::{Entry, Hyper, Norm, OPTIMIZERS, both};
use dlr::engine::settings::{Order, Settings};
use dlr::engine::threads::Threads;
use dlr::engine::trainer::{Observer, Point, Run, Stop, resume, train};
use dlr::kernels::rules::Sgd;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

/// MNIST, by way of a cache that cargo keeps for the tests of this build.
static MNIST: LazyLock<Dataset> = LazyLock::new(|| {
    let cache = CachePolicy { folders: vec![concat!(env!("CARGO_TARGET_TMPDIR"), "/cache").into()] };
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
    Dataset::open_with(folder, &cache).expect("MNIST is whole")
});

/// Writes a checkpoint wherever one can be, a file each.
struct Keeper {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Keeper {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: Vec::new() }
    }

    fn origin() -> Origin {
        Origin::here(&MNIST, Initial { file: None, weights_sha256: "0".repeat(64) })
    }
}

impl Observer for Keeper {
    fn wants_checkpoint(&mut self, _: u64) -> bool {
        true
    }

    fn wants_last_checkpoint(&mut self) -> bool {
        true
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        let file = self.folder.path().join(self.files.len().to_string());
        checkpoint.save(&file, &Self::origin()).unwrap();
        self.files.push(file);
    }
}

fn settings(optimizer: &str, chosen: &Hyper) -> Settings {
    let entry = Entry::find(optimizer).unwrap();
    let optimizer = entry.with(&entry.defaults, chosen).unwrap();
    Settings { epochs: 3, images: Some(200), target: None, test_every: 70, ..Settings::new(13, optimizer) }
}

fn whole(settings: &Settings, observer: &mut dyn Observer) -> Run {
    let init = settings.init.unwrap();
    let start = Network::draw(MNIST.inputs, &settings.hidden, MNIST.classes, init, settings.seed);
    train(settings, &MNIST, start, Instant::now(), Threads::One, observer).unwrap()
}

/// Everything but the clocks.
fn result(run: &Run) -> (Stop, String, Vec<(u64, u64, u64)>) {
    let bits = |x: f64| x.to_bits();
    let curve = run.curve.iter().map(|p| (p.images, bits(p.epoch), bits(p.test_accuracy))).collect();
    (run.stop, run.network.sha256(), curve)
}

/// Goes on from every checkpoint of a run, and demands the run's own end.
fn assert_every_checkpoint_leads_to_the_end(settings: &Settings) -> usize {
    let mut keeper = Keeper::new();
    let run = whole(settings, &mut keeper);
    for file in &keeper.files {
        let (checkpoint, origin) = Checkpoint::load(file).unwrap();
        assert_eq!(origin, Keeper::origin());
        assert_eq!(&checkpoint.settings, settings);
        let resumed = resume(&checkpoint, &MNIST, Instant::now(), Threads::One, &mut ()).unwrap();
        assert_eq!(result(&resumed), result(&run), "{settings:?} from {} images", checkpoint.images);
        let (last, before) = (resumed.last(), run.last());
        assert!(last.train_s > 0.0 && last.wall_s >= last.train_s && before.wall_s > 0.0);
    }
    keeper.files.len()
}

#[test]
fn every_optimizer_goes_on_from_everywhere() {
    for entry in OPTIMIZERS {
        let norms: &[_] = if entry.defaults.norm.is_some() { &[Norm::Pre, Norm::Post] } else { &[Norm::Pre] };
        for &norm in norms {
            let chosen = Hyper { norm: entry.defaults.norm.map(|_| norm), ..Hyper::NONE };
            // With 520 units, some optimizers learn several images together, if there are as many up to the next test.
            for (batch, hidden, test_every) in
                [(1, "13", 70), (7, "13", 70), (1, "520", 45), (1, "9,17,5", 70), (7, "9,17,5", 70)]
            {
                let hidden = hidden.parse().unwrap();
                let settings = Settings { batch, hidden, test_every, ..settings(entry.name, &chosen) };
                // Places to stop at: after tests, where epochs end, and at the end of all.
                assert!(assert_every_checkpoint_leads_to_the_end(&settings) >= 9, "{settings:?}");
            }
        }
    }
}

#[test]
fn one_of_ones_own_goes_on_once_it_is_registered() {
    static OWN: Entry = own();
    static NAMESAKE: Entry = own();
    const fn own() -> Entry {
        Entry::own("own", "half as fast as one thinks", Hyper::lr(0.2), |hyper, network, task| {
            both(network, Sgd { lr: hyper.lr.unwrap() as f32 / 2.0 }, task)
        })
    }
    let optimizer = OWN.with(&OWN.defaults, &Hyper::NONE).unwrap();
    let settings = Settings { optimizer, ..settings("sgd", &Hyper::NONE) };
    let mut keeper = Keeper::new();
    whole(&settings, &mut keeper);
    let refused = Checkpoint::load(&keeper.files[0]).unwrap_err().to_string();
    assert!(refused.contains("there is no optimizer \"own\""), "{refused}");

    OWN.register().unwrap();
    assert!(assert_every_checkpoint_leads_to_the_end(&settings) >= 9);

    OWN.register().expect("it is the same");
    let refused = NAMESAKE.register().unwrap_err().to_string();
    assert_eq!(refused, "--optimizer: there is another optimizer \"own\"; give it another name");
}

/// What images took from those before them within a call is remembered at its end.
#[test]
fn momentum_goes_on_where_images_are_kept() {
    for momentum in [0.8, 0.9] {
        let chosen = Hyper { momentum: Some(momentum), ..Hyper::NONE };
        let (hidden, images) = ("100".parse().unwrap(), Some(500));
        let settings =
            Settings { hidden, images, test_every: 190, epochs: 2, ..settings("nesterov", &chosen) };
        assert!(assert_every_checkpoint_leads_to_the_end(&settings) >= 6, "{settings:?}");
    }
}

#[test]
fn orders_stalling_and_odd_tests_go_on_too() {
    for order in [Order::Shuffled, Order::Fixed, Order::File] {
        for (test_every, batch) in [(70, 1), (200, 1), (1000, 3), (33, 200), (7, 64)] {
            let settings = Settings {
                order,
                test_every,
                batch,
                stall: Some(1),
                epochs: 8,
                ..settings("adam", &Hyper::NONE)
            };
            assert!(assert_every_checkpoint_leads_to_the_end(&settings) > 0);
        }
    }
}

#[test]
fn a_finished_run_goes_on_with_more_epochs_or_another_target() {
    let long = settings("nesterov", &Hyper::NONE);
    let mut keeper = Keeper::new();
    whole(&Settings { epochs: 2, ..long.clone() }, &mut keeper);
    let (checkpoint, _) = Checkpoint::load(keeper.files.last().unwrap()).unwrap();
    let more = Checkpoint { settings: long.clone(), ..checkpoint };
    let resumed = resume(&more, &MNIST, Instant::now(), Threads::One, &mut ()).unwrap();
    let run = whole(&long, &mut ());
    assert_eq!(resumed.network, run.network);

    // Stopped by its target, it is over, unless the target is another.
    let easy = Settings { target: Some(0.15), ..long.clone() };
    let mut keeper = Keeper::new();
    let hit = whole(&easy, &mut keeper);
    assert_eq!(hit.stop, Stop::Target);
    let (checkpoint, _) = Checkpoint::load(keeper.files.last().unwrap()).unwrap();
    let again = resume(&checkpoint, &MNIST, Instant::now(), Threads::One, &mut ()).unwrap();
    assert_eq!(result(&again), result(&hit));
    let on = Checkpoint { settings: long, ..checkpoint };
    let on = resume(&on, &MNIST, Instant::now(), Threads::One, &mut ()).unwrap();
    assert_eq!(on.network, run.network);
}

/// What a long run with many tests comes to.
#[test]
fn a_curve_of_a_million_tests_comes_back() {
    let mut keeper = Keeper::new();
    whole(&Settings { epochs: 1, ..settings("sgd", &Hyper::NONE) }, &mut keeper);
    let (short, origin) = Checkpoint::load(&keeper.files[0]).unwrap();
    let curve: Vec<_> = short.curve.iter().copied().cycle().take(1_000_000).collect();
    let long = Checkpoint { ends: vec![0.1; 100_000], curve, ..short };
    let (read, _) = Checkpoint::from_bytes(Path::new("long"), &long.to_bytes(&origin)).unwrap();
    assert!(read.curve == long.curve && read.ends == long.ends);
}

#[test]
fn what_was_changed_is_refused() {
    let mut keeper = Keeper::new();
    whole(&Settings { epochs: 1, ..settings("adam", &Hyper::NONE) }, &mut keeper);
    let file = keeper.files.last().unwrap();
    let bytes = std::fs::read(file).unwrap();
    let body = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in (body..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        std::fs::write(file, &changed).unwrap();
        assert!(Checkpoint::load(file).is_err(), "byte {at}");
    }
    for length in (0..bytes.len()).step_by(1009) {
        std::fs::write(file, &bytes[..length]).unwrap();
        let error = Checkpoint::load(file).unwrap_err().to_string();
        assert!(error.ends_with("give --resume a file that --checkpoint has written"), "{error}");
    }

    // A whole file whose parts do not belong together.
    std::fs::write(file, &bytes).unwrap();
    let (good, _) = Checkpoint::load(file).unwrap();
    let go_on = |checkpoint: &Checkpoint| {
        let gone_on = resume(checkpoint, &MNIST, Instant::now(), Threads::One, &mut ());
        gone_on.map(drop).map_err(|error| match error {
            Error::Checkpoint { problem } => problem,
            other => panic!("{other}"),
        })
    };
    assert_eq!(go_on(&good), Ok(()));
    let other = Settings { optimizer: settings("sgd", &Hyper::NONE).optimizer, ..good.settings.clone() };
    let wider = Settings { hidden: 30.into(), ..good.settings.clone() };
    let deeper = Settings { hidden: "13,13".parse().unwrap(), ..good.settings.clone() };
    let one_more = Settings { hidden: 14.into(), ..good.settings.clone() };
    for settings in [wider, deeper, one_more] {
        let wrong = go_on(&Checkpoint { settings, ..good.clone() });
        assert_eq!(wrong, Err("its network is not that of its settings and the data".to_owned()));
    }
    let wrong = go_on(&Checkpoint { settings: other, ..good.clone() });
    assert_eq!(wrong, Err("its layers are not those of its settings".to_owned()));
    for order in [vec![], vec![0; 200], (1..=200).collect(), (0..201).collect()] {
        let wrong = go_on(&Checkpoint { order, ..good.clone() });
        assert_eq!(wrong, Err("its order is not one of 200 images".to_owned()));
    }
    for seconds in [f64::NAN, -1.0, f64::INFINITY, 1.8e19] {
        assert!(go_on(&Checkpoint { train_s: seconds, ..good.clone() }).is_err());
        assert!(go_on(&Checkpoint { wall_s: seconds, ..good.clone() }).is_err());
    }
    let first = good.curve[0];
    let point = |change: fn(&mut Point)| {
        let mut point = first;
        change(&mut point);
        vec![point]
    };
    let curves = [
        point(|point| point.test_accuracy = f64::NAN),
        point(|point| point.test_accuracy = 1.5),
        point(|point| point.epoch = f64::INFINITY),
        point(|point| point.train_s = -1.0),
        point(|point| point.images = u64::MAX),
        vec![first, first],
    ];
    for curve in curves {
        let wrong = go_on(&Checkpoint { curve, ..good.clone() }).unwrap_err();
        assert!(wrong.starts_with("its tests: "), "{wrong}");
    }
    let ends = vec![0.5; good.settings.epochs as usize];
    assert_eq!(go_on(&Checkpoint { ends, ..good.clone() }), Ok(()), "as many as there are epochs");
    let curve = vec![Point { images: good.images, ..first }];
    assert_eq!(go_on(&Checkpoint { curve, ..good.clone() }), Ok(()), "a test after the last image");
    for ends in [vec![f64::NAN], vec![0.5; 1 + good.settings.epochs as usize]] {
        let wrong = go_on(&Checkpoint { ends, ..good.clone() });
        assert_eq!(wrong, Err("its tests: the ends of epochs are not those of the epochs so far".to_owned()));
    }
    let (images, settings) = (400, Settings { epochs: 2, ..good.settings.clone() });
    let wrong = go_on(&Checkpoint { images, settings, ..good.clone() });
    assert_eq!(wrong, Err("a layer has had 200 updates, but its images make 400".to_owned()));
    let mut layers = good.layers.clone();
    layers[1].updates = u64::MAX;
    let wrong = go_on(&Checkpoint { layers, ..good.clone() });
    assert_eq!(wrong, Err(format!("a layer has had {} updates, but its images make 200", u64::MAX)));
    let wrong = go_on(&Checkpoint { images: u64::MAX, ..good.clone() });
    assert_eq!(wrong, Err(format!("it has seen {} images, but its epochs have fewer", u64::MAX)));
}
