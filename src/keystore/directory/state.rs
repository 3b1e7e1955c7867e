//! What was read, and what has changed since.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::ReloadError;
use super::load::{self, DirectoryError, Stems};
use crate::cause::describe;
use crate::keystore::index::Index;
use crate::keystore::{Identity, PartnerCertificates};
use crate::name::As2Name;

/// Directories of files, by their paths.
#[derive(Clone, Default)]
pub(super) struct State {
    units: BTreeMap<PathBuf, Unit>,
    /// Directories above those, that cannot be listed.
    unlisted: Vec<ReloadError>,
}

/// One directory of files, that is taken as a whole.
#[derive(Clone)]
struct Unit {
    /// As the files were when they were read. None where they changed meanwhile: they are read again.
    stamp: Option<Stamp>,
    /// The last that was good.
    content: Option<Content>,
    error: Option<Arc<DirectoryError>>,
}

/// Names, sizes and times of the files of a directory.
type Stamp = Vec<(OsString, u64, Option<SystemTime>)>;

#[derive(Clone)]
enum Content {
    Identity(As2Name, Option<Identity>),
    Partner(As2Name, As2Name, PartnerCertificates),
}

/// Whose directory it is.
enum Owner {
    Us(As2Name),
    Partner(As2Name, As2Name),
}

impl State {
    /// Reads what has changed since this state. Gives the next one, and what is newly wrong.
    pub(super) fn read(&self, root: &Path) -> (Self, Vec<ReloadError>) {
        let mut next = Self::default();
        let mut news = Vec::new();
        next.visit(root, self, &mut news, |next, path, news| {
            let local = match load::name_of(path) {
                Ok(local) => local,
                Err(error) => return next.broken(path, self, error, news),
            };
            next.unit(&path.join("keys"), &Owner::Us(local.clone()), self, news);
            next.visit(
                &path.join("partners"),
                self,
                news,
                |next, path, news| match load::name_of(path) {
                    Ok(remote) => next.unit(path, &Owner::Partner(local.clone(), remote), self, news),
                    Err(error) => next.broken(path, self, error, news),
                },
            );
        });
        (next, news)
    }

    /// Calls for each directory in `path`. One that cannot be listed leaves everything below as it was.
    fn visit(
        &mut self,
        path: &Path,
        old: &Self,
        news: &mut Vec<ReloadError>,
        mut each: impl FnMut(&mut Self, &Path, &mut Vec<ReloadError>),
    ) {
        match load::directories(path) {
            Ok(directories) => directories.iter().for_each(|path| each(self, path, news)),
            // An identity need not have partners.
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.ends_with("partners") => {}
            Err(error) => {
                let below = old.units.iter().filter(|(unit, _)| unit.starts_with(path));
                self.units
                    .extend(below.map(|(path, unit)| (path.clone(), unit.clone())));
                let error = ReloadError {
                    path: path.to_owned(),
                    error: Arc::new(error.into()),
                };
                if !old.unlisted.iter().any(|one| one.path == path) {
                    news.push(error.clone());
                }
                self.unlisted.push(error);
            }
        }
    }

    fn unit(&mut self, path: &Path, owner: &Owner, old: &Self, news: &mut Vec<ReloadError>) {
        let before = match stamp(path) {
            Ok(before) => before,
            // Without the directory there are no keys.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.broken(path, old, error.into(), news),
        };
        let known = old.units.get(path);
        if let Some(known) = known.filter(|known| known.stamp.as_ref() == Some(&before)) {
            self.units.insert(path.to_owned(), known.clone());
            return;
        }
        match read_unit(path, owner) {
            Ok(content) => {
                let same = stamp(path).is_ok_and(|after| after == before);
                let unit = Unit {
                    stamp: Some(before).filter(|_| same),
                    content: Some(content),
                    error: None,
                };
                self.units.insert(path.to_owned(), unit);
            }
            Err(error) => {
                self.broken(path, old, error, news);
                if let Some(unit) = self.units.get_mut(path) {
                    unit.stamp = Some(before);
                }
            }
        }
    }

    /// Keeps what was good.
    fn broken(&mut self, path: &Path, old: &Self, error: DirectoryError, news: &mut Vec<ReloadError>) {
        let known = old.units.get(path);
        let error = Arc::new(error);
        // What is looked at again because it cannot be told whether it changed is told once.
        let told = known.and_then(|known| known.error.as_ref());
        if told.is_none_or(|told| describe(&**told) != describe(&*error)) {
            news.push(ReloadError {
                path: path.to_owned(),
                error: Arc::clone(&error),
            });
        }
        let unit = Unit {
            stamp: None,
            content: known.and_then(|known| known.content.clone()),
            error: Some(error),
        };
        self.units.insert(path.to_owned(), unit);
    }

    /// All that is wrong at present.
    pub(super) fn errors(&self) -> Vec<ReloadError> {
        let of_units = self.units.iter().filter_map(|(path, unit)| {
            Some(ReloadError {
                path: path.clone(),
                error: Arc::clone(unit.error.as_ref()?),
            })
        });
        self.unlisted.iter().cloned().chain(of_units).collect()
    }

    pub(super) fn index(&self) -> Index {
        let mut index = Index::default();
        for content in self.units.values().filter_map(|unit| unit.content.clone()) {
            match content {
                Content::Identity(local, Some(identity)) => index.set_identity(local, identity),
                Content::Identity(_, None) => {}
                Content::Partner(local, remote, certificates) => {
                    index.set_partner(local, remote, certificates);
                }
            }
        }
        index
    }
}

fn read_unit(path: &Path, owner: &Owner) -> Result<Content, DirectoryError> {
    let stems = Stems::of(path)?;
    Ok(match owner {
        Owner::Us(local) => Content::Identity(local.clone(), load::identity(&stems)?),
        Owner::Partner(local, remote) => Content::Partner(local.clone(), remote.clone(), load::partner(&stems)?),
    })
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let mut stamp = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if load::kind_of(&entry.path()).is_none() {
            continue;
        }
        // Through links.
        let metadata = fs::metadata(entry.path())?;
        stamp.push((entry.file_name(), metadata.len(), metadata.modified().ok()));
    }
    stamp.sort();
    Ok(stamp)
}
