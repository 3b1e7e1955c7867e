//! How many receipts are posted at one time (SEC-22).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::As2Name;

/// To all partners.
const IN_ALL: usize = 32;

/// To one partner: a server that takes its time keeps no other's receipt.
const TO_ONE: usize = 8;

/// Counts the receipts that are being posted, by partner. Those that are more wait in the outbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Posts(Arc<Mutex<HashMap<As2Name, usize>>>);

/// One receipt that may be posted.
#[derive(Debug)]
pub(super) struct Turn {
    posts: Posts,
    partner: As2Name,
}

impl Posts {
    /// Whether one more may be posted to a partner now.
    pub(super) fn turn(&self, partner: &As2Name) -> Option<Turn> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let to_one = counts.get(partner).copied().unwrap_or_default();
        if to_one >= TO_ONE || counts.values().sum::<usize>() >= IN_ALL {
            return None;
        }
        counts.insert(partner.clone(), to_one + 1);
        Some(Turn {
            posts: self.clone(),
            partner: partner.clone(),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut counts = self.posts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.partner) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.partner);
            }
        }
    }
}

#[cfg(test)]
mod tests;
