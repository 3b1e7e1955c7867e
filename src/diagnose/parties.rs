//! Who we are in an exchange, and who the partner is.

use super::diagnosis::Direction;
use super::headers::Named;
use crate::name::As2Name;
use crate::partnership::AcceptPolicy;
use crate::store::{PartnershipStore, PartnershipStoreError};

/// Us, the partner, and the policy between us.
pub(super) struct Parties {
    pub(super) direction: Direction,
    /// We, and the partner.
    pub(super) pair: Option<(As2Name, As2Name)>,
    /// That of the partnership, if there is one.
    pub(super) policy: Option<AcceptPolicy>,
}

/// The names of a pair that may be meant, sender first: products and people take case and spaces lightly.
pub(super) fn similar(from: &As2Name, to: &As2Name, pairs: &[(As2Name, As2Name)]) -> Option<(As2Name, As2Name)> {
    let same = |a: &As2Name, b: &As2Name| {
        let letters = |name: &As2Name| -> String {
            let letters = name.as_str().chars().filter(|c| !c.is_whitespace());
            letters.map(|c| c.to_ascii_lowercase()).collect()
        };
        letters(a) == letters(b)
    };
    pairs
        .iter()
        .flat_map(|(local, remote)| [(remote, local), (local, remote)])
        .find(|(sender, receiver)| same(sender, from) && same(receiver, to))
        .map(|(sender, receiver)| (sender.clone(), receiver.clone()))
}

impl Parties {
    /// By the names in the head; without them, the first pair that the host gave.
    pub(super) async fn find(
        partnerships: &dyn PartnershipStore,
        named: &Named,
        pairs: &[(As2Name, As2Name)],
    ) -> Result<Self, PartnershipStoreError> {
        let (Some(from), Some(to)) = (&named.from, &named.to) else {
            let pair = pairs.first().cloned();
            let partnership = match &pair {
                Some((local, remote)) => partnerships.find(local, remote).await?,
                None => None,
            };
            return Ok(Self {
                direction: Direction::Unknown,
                policy: partnership.map(|partnership| partnership.accept_policy().clone()),
                pair,
            });
        };
        for (direction, local, remote) in [(Direction::Inbound, to, from), (Direction::Outbound, from, to)] {
            if let Some(partnership) = partnerships.find(local, remote).await? {
                return Ok(Self {
                    direction,
                    pair: Some((local.clone(), remote.clone())),
                    policy: Some(partnership.accept_policy().clone()),
                });
            }
        }
        Ok(Self {
            direction: Direction::Unknown,
            pair: Some((to.clone(), from.clone())),
            policy: None,
        })
    }

    /// Our names: the one of this exchange first.
    pub(super) fn locals(&self, pairs: &[(As2Name, As2Name)]) -> Vec<As2Name> {
        let mut locals: Vec<As2Name> = Vec::new();
        for (local, _) in self.pair.iter().chain(pairs) {
            if !locals.contains(local) {
                locals.push(local.clone());
            }
        }
        locals
    }
}
