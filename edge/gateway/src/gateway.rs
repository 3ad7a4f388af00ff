//! One edge: settings and the bundle in use.

use kerf_core::{Context, Decision, Handle, Subject};

use crate::exposure::{self, Segments};
use crate::identity::consents;
use crate::outgoing::{assignments, header_value};
use crate::{Bundles, Identity, Moment, Outgoing, Settings, Visit, attributes};

/// One edge.
#[derive(Debug)]
pub struct Gateway {
    /// What the operator decided.
    pub settings: Settings,
    /// The bundle in use.
    pub bundles: Bundles,
}

impl Gateway {
    /// An edge that holds no bundle yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, bundles: Bundles::new() }
    }

    /// What a proxied request, its answer and the collector get. Never fails: without a bundle, nothing is added.
    pub fn visit(&self, visit: &Visit, moment: &mut Moment<'_>) -> (Outgoing, Vec<String>) {
        let Some(held) = self.bundles.held() else { return (Outgoing::default(), Vec::new()) };
        let Some(bundle) = held.bundle() else { return (Outgoing::default(), Vec::new()) };
        let identity = Identity::of(visit, &self.settings, moment);
        let texts = attributes::of_visit(visit, &identity);
        let attributes = attributes::borrow(&texts);
        let context = Context::new(&attributes, moment.now.0).consent(consents(visit, &self.settings));
        let subject = bundle.bind(&context);
        let decisions = decide_all(&subject);
        let mut request_headers = vec![
            ("kerf-bundle", bundle.version().to_string()),
            ("kerf-assignments", assignments(&bundle, &decisions)),
        ];
        let mut events = Vec::new();
        if let Some(user) = identity.user() {
            request_headers.push(("kerf-unit", header_value(user)));
            events = exposures(&subject, &decisions, user, visit, moment);
        }
        (Outgoing { request_headers, set_cookie: identity.set_cookie(&self.settings) }, events)
    }
}

/// The events of the decisions that count: one for each experiment, also where a flag was decided by it.
pub(crate) fn exposures(
    subject: &Subject<'_>,
    decisions: &[Decision],
    user: &str,
    visit: &Visit,
    moment: &mut Moment<'_>,
) -> Vec<String> {
    let mut experiments: Vec<Handle> = decisions.iter().filter_map(Decision::exposure).collect();
    experiments.sort_unstable();
    experiments.dedup();
    experiments
        .iter()
        .filter_map(|experiment| {
            let bundle = subject.bundle();
            // The flag's variant may have another name: the experiment's own decision is what counts.
            let decision = subject.decide(*experiment);
            let variant = bundle.variant(&decision)?.key()?;
            exposure::event(user, (bundle.key(*experiment)?, variant), Segments::of(visit), moment)
        })
        .collect()
}

/// Decides every entry.
pub(crate) fn decide_all(subject: &Subject<'_>) -> Vec<Decision> {
    let mut decisions = vec![Decision::EMPTY; subject.bundle().len()];
    subject.decide_all(&mut decisions);
    decisions
}
