//! Members into a folder, through as many threads as there are drives.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::later::{Later, directories, links};
use super::ledger::Ledger;
use super::problems::ProblemList;
use super::request::Wanted;
use super::select::Range;
use super::sink::{Done, Member, Members, Sink, Sinks};
use super::writer::Counts;
use crate::archive::extract::{Existing, ExtractOptions, Extractor, Outcome, Parents};
use crate::archive::header::MemberHeader;
use crate::archive::member::MemberKind;
use crate::archive::problem::{Problem, ProblemKind, Severity};
use crate::archive::reader::ArchiveReader;
use crate::error::{Context, Result};

/// A folder that members go to.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    pub(super) to: &'a Path,
    pub(super) wanted: &'a [Wanted],
    pub(super) options: ExtractOptions,
    pub(super) ledger: &'a Ledger,
    /// How many things that were there got another name.
    pub(super) renamed: AtomicU64,
    /// For each set, directories made before their own member came.
    parents: Vec<Arc<Parents>>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(
        to: &'a Path,
        wanted: &'a [Wanted],
        options: ExtractOptions,
        ledger: &'a Ledger,
    ) -> Result<Self> {
        let parents = |set| {
            let list = ledger.folder().join(format!("parents-{set}"));
            let parents = Parents::listed(&list);
            parents.context(format!("cannot use {}", list.display()))
        };
        let parents = match options.existing {
            Existing::Keep => (0..wanted.len())
                .map(|set| parents(set).map(Arc::new))
                .collect::<Result<_>>()?,
            // A directory that is there gets its own mode in any case.
            Existing::Refuse | Existing::Replace | Existing::Rename => Vec::new(),
        };
        Ok(Self {
            to,
            wanted,
            options,
            ledger,
            renamed: AtomicU64::new(0),
            parents,
        })
    }

    fn below(&self, set: usize) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let below = &self.wanted[set].below;
        self.to.join(std::ffi::OsStr::from_bytes(below))
    }

    fn extractor(&self, set: usize) -> Result<Extractor> {
        let to = self.below(set);
        let extractor = Extractor::in_any_order(&to, self.options)
            .context(format!("cannot restore to {}", to.display()))?;
        Ok(match self.parents.get(set) {
            Some(parents) => extractor.with_parents(Arc::clone(parents)),
            None => extractor,
        })
    }

    fn tell(&self, problems: &ProblemList, set: usize, problem: &Problem) {
        if problem.what.severity() == Severity::Loss {
            let path = self.wanted[set].show(&problem.path);
            problems.add(format!("{path}: {}", problem.what));
        }
    }

    /// Lets the restoring user work in directories that an earlier process gave their own modes.
    pub(super) fn reopen(&self) -> Result<()> {
        let mut extractors = self.extractors();
        directories(self.ledger.folder(), |entry| {
            let set = entry.set as usize;
            self.in_set(&mut extractors, set)?
                .reopen_directory(&entry.header.path);
            Ok(())
        })
    }

    /// Makes the hard links and then gives the directories their own metadata, innermost first.
    pub(super) fn finish(&self, problems: &ProblemList, counts: &Counts) -> Result<()> {
        let mut extractors = self.extractors();
        for list in links(self.ledger.folder())? {
            for entry in list {
                let entry = entry?;
                let set = entry.set as usize;
                let outcome = self.link(&mut extractors, set, &entry.header, problems)?;
                match outcome {
                    Outcome::Restored => counts.restored.fetch_add(1, Ordering::Relaxed),
                    Outcome::Kept => counts.kept.fetch_add(1, Ordering::Relaxed),
                    Outcome::NotRestored => 0,
                    Outcome::NeedsData { .. } => {
                        let path = self.wanted[set].show(&entry.header.path);
                        problems.add(format!("{path}: its data was not restored"));
                        0
                    }
                };
            }
        }
        directories(self.ledger.folder(), |entry| {
            let set = entry.set as usize;
            let extractor = self.in_set(&mut extractors, set)?;
            self.tidy(extractor, set, &entry.header.path);
            extractor.close_directory(&entry.header, &mut |problem| {
                self.tell(problems, set, &problem);
            });
            Ok(())
        })?;
        for extractor in extractors.into_iter().flatten() {
            self.renamed
                .fetch_add(extractor.renamed(), Ordering::Relaxed);
            let finished = extractor.finish(&mut |_| {});
            finished
                .sync()
                .context("cannot synchronise what was restored")?;
        }
        Ok(())
    }

    /// Removes what an earlier process of this restore did not complete in a directory.
    fn tidy(&self, extractor: &mut Extractor, set: usize, path: &[u8]) {
        if self.ledger.resumed {
            let index = &self.wanted[set].index;
            extractor.remove_abandoned(path, |path| {
                index.lookup(path).is_ok_and(|row| row.is_some())
            });
        }
    }

    fn extractors(&self) -> Vec<Option<Extractor>> {
        self.wanted.iter().map(|_| None).collect()
    }

    fn in_set<'e>(
        &self,
        extractors: &'e mut [Option<Extractor>],
        set: usize,
    ) -> Result<&'e mut Extractor> {
        match &mut extractors[set] {
            Some(extractor) => Ok(extractor),
            none => Ok(none.insert(self.extractor(set)?)),
        }
    }

    fn link(
        &self,
        extractors: &mut [Option<Extractor>],
        set: usize,
        header: &MemberHeader,
        problems: &ProblemList,
    ) -> Result<Outcome> {
        let mut no_data = ArchiveReader::new(std::io::empty());
        self.in_set(extractors, set)?
            .extract(&header.path, header, &mut no_data, None, &mut |problem| {
                self.tell(problems, set, &problem);
            })
            .context("a hard link cannot be made")
    }
}

impl Sinks for Folder<'_> {
    fn open(&self) -> Result<Box<dyn Sink + '_>> {
        Ok(Box::new(FolderSink {
            folder: self,
            extractors: self.extractors(),
            later: Later::new(self.ledger.folder())?,
            tidied: None,
        }))
    }
}

struct FolderSink<'a> {
    folder: &'a Folder<'a>,
    extractors: Vec<Option<Extractor>>,
    later: Later,
    /// The directory tidied last.
    tidied: Option<(usize, Vec<u8>)>,
}

impl Sink for FolderSink<'_> {
    fn member(
        &mut self,
        member: &Member<'_>,
        reader: &mut Members<'_>,
        problems: &ProblemList,
    ) -> Result<Done> {
        let (set, header) = (member.set, member.header);
        let placed = |header: &MemberHeader| MemberHeader {
            path: member.path.to_vec(),
            ..header.clone()
        };
        if header.kind == MemberKind::HardLink {
            self.later.link(set, member.at, &placed(header))?;
            return Ok(Done::Later);
        }
        let folder = self.folder;
        let extractor = folder.in_set(&mut self.extractors, set)?;
        let again = folder.ledger.resumed && header.kind != MemberKind::Directory;
        if again {
            // What an earlier process did not complete comes again, though its directory, if that
            // was there before, may not.
            let mut names = member.path.rsplitn(2, |byte| *byte == b'/');
            let parent = names.nth(1).unwrap_or(b".");
            let tidied = self.tidied.as_ref();
            if tidied.is_none_or(|(of, path)| (*of, path.as_slice()) != (set, parent)) {
                folder.tidy(extractor, set, parent);
                self.tidied = Some((set, parent.to_vec()));
            }
        }
        if again && extractor.is_there(member.path, header, member.digest) {
            return Ok(Done::Restored);
        }
        let mut damaged = false;
        let outcome =
            extractor.extract(member.path, header, reader, member.digest, &mut |problem| {
                match problem.what {
                    // Another copy may have it whole.
                    ProblemKind::DigestMismatch => damaged = true,
                    ProblemKind::Truncated => {}
                    _ => folder.tell(problems, set, &problem),
                }
            });
        Ok(match outcome {
            Err(_) => Done::CutShort,
            Ok(_) if damaged => Done::Damaged,
            Ok(Outcome::Restored) => {
                if header.kind == MemberKind::Directory {
                    self.later.directory(set, member.at, &placed(header))?;
                }
                Done::Restored
            }
            Ok(Outcome::Kept) => {
                if header.kind == MemberKind::Directory {
                    folder.tidy(extractor, set, member.path);
                }
                Done::Kept
            }
            Ok(Outcome::NotRestored | Outcome::NeedsData { .. }) => Done::NotRestored,
        })
    }

    fn save(&mut self, done: &[(usize, Range)]) -> Result<()> {
        for extractor in self.extractors.iter().flatten() {
            extractor
                .sync()
                .context("cannot synchronise what was restored")?;
        }
        self.later.save()?;
        for parents in &self.folder.parents {
            let saved = parents.sync();
            saved.context("cannot keep the list of directories that were made")?;
        }
        self.folder.ledger.note(done)
    }
}

impl Drop for FolderSink<'_> {
    fn drop(&mut self) {
        for extractor in self.extractors.drain(..).flatten() {
            self.folder
                .renamed
                .fetch_add(extractor.renamed(), Ordering::Relaxed);
        }
    }
}
