//! `sim`: the virtual library, and what an operator does with it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::{Request, Response};
use tapeward_sim::{
    Announce, CartridgeId, CartridgeKind, CartridgeSpec, Destination, DriveEncryption, Durability,
    ElementKind, IscsiOptions, Operator, Secrets, ServeOptions,
};

use super::Session;
use super::args::{ServeArgs, SimChoice, SimCommand};
use super::output::{self, Column, Format, or_dash, size};
use super::sim_args::DriveEncryptionArg;
use crate::error::{Context, Error, Result};
use crate::id::Barcode;
use crate::library::connection::{Connection, virtual_server};
use crate::quickstart::{self, VirtualDrives};

/// Commands that need no state folder are done at once: the server must not listen for signals
/// as the other commands do.
pub(super) fn without_state(command: &SimCommand, format: Format) -> Option<Result<()>> {
    match command {
        SimCommand::Serve(args) => Some(serve(args)),
        SimCommand::Create {
            dir,
            model,
            cartridges,
            cartridge_size,
            drive_encryption,
            longest_block,
        } => Some(create(
            dir,
            model,
            *cartridges,
            cartridge_size.as_u64(),
            VirtualDrives {
                encryption: match drive_encryption {
                    DriveEncryptionArg::Hosts => DriveEncryption::Hosts,
                    DriveEncryptionArg::Library => DriveEncryption::Library,
                    DriveEncryptionArg::None => DriveEncryption::None,
                },
                longest_block: longest_block.as_u64(),
            },
            format,
        )),
        _ => None,
    }
}

fn serve(args: &ServeArgs) -> Result<()> {
    let options = ServeOptions {
        idle_exit: args.idle.map(Duration::from_secs),
        durability: Durability::default(),
        announce: if args.announce {
            Announce::StandardOutput
        } else {
            Announce::No
        },
        iscsi: args.iscsi.map(|address| iscsi(address, args)).transpose()?,
    };
    tapeward_sim::serve(&args.dir, &options).context("the virtual library stopped")
}

/// Other machines are let in by two words: that they may come, and who they are.
fn iscsi(address: SocketAddr, args: &ServeArgs) -> Result<IscsiOptions> {
    if !address.ip().is_loopback() && !args.iscsi_allow_remote {
        return Err(
            Error::usage(format!("{address} can be reached from other machines"))
                .hint("use 127.0.0.1, or give --iscsi-allow-remote and --chap-file"),
        );
    }
    let secrets = args.chap_file.as_deref().map(Secrets::read).transpose();
    let secrets = secrets.context("cannot use --chap-file")?;
    Ok(IscsiOptions { address, secrets })
}

fn create(
    dir: &Path,
    model: &str,
    cartridges: u16,
    cartridge_size: u64,
    drives: VirtualDrives,
    format: Format,
) -> Result<()> {
    let serial = quickstart::create_library(dir, model, cartridges, cartridge_size, drives)?;
    if format == Format::Json {
        return output::json(&serde_json::json!({ "path": dir, "serial": serial }));
    }
    output::line(format!(
        "Made a virtual library ({model}, serial {serial}) with {cartridges} cartridges in {}",
        dir.display()
    ))
}

pub(super) fn run(session: &Session, command: SimCommand) -> Result<()> {
    match command {
        // Done without a state folder.
        SimCommand::Create { .. } | SimCommand::Serve(_) => Ok(()),
        SimCommand::Insert {
            barcode,
            new,
            cartridge_size,
            worm,
            choice,
        } => {
            let operator = operator(&folder(session, &choice)?)?;
            let destination = Destination::ImportExport;
            let request = if new {
                Request::InsertNew {
                    spec: new_cartridge(&barcode, cartridge_size.as_u64(), worm),
                    destination,
                }
            } else {
                Request::Insert {
                    cartridge: find(&operator, &barcode)?.id,
                    destination,
                }
            };
            placed(session, &operator, &request, &barcode, "put into")
        }
        SimCommand::Remove { barcode, choice } => {
            let operator = operator(&folder(session, &choice)?)?;
            let found = find(&operator, &barcode)?;
            match found.kind {
                Some(ElementKind::ImportExport) => {}
                Some(_) => {
                    return Err(Error::usage(format!(
                        "{barcode} is inside the library, at element @{}",
                        found.address.unwrap_or_default()
                    ))
                    .hint(format!(
                        "bring it to a mail slot first: \"tapeward library eject {barcode}\""
                    )));
                }
                None => return Err(Error::usage(format!("{barcode} is outside already"))),
            }
            let request = Request::Remove {
                cartridge: found.id,
            };
            placed(session, &operator, &request, &barcode, "taken out of")
        }
        SimCommand::List { choice } => list(session, &operator(&folder(session, &choice)?)?),
        SimCommand::Dump {
            barcode,
            to,
            choice,
        } => dump(session, &folder(session, &choice)?, &barcode, &to),
        SimCommand::PowerCut { at_write, choice } => {
            let operator = operator(&folder(session, &choice)?)?;
            match at_write {
                None => ask(&operator, &Request::PowerCut).map(|_| ()),
                Some(number) => plan(&operator, Place::Write(number), Fault::PowerCut),
            }
        }
        SimCommand::KillHost { at_command, choice } => {
            let operator = operator(&folder(session, &choice)?)?;
            plan(&operator, Place::Command(at_command), Fault::KillHost)
        }
    }
}

fn folder(session: &Session, choice: &SimChoice) -> Result<PathBuf> {
    if let Some(dir) = &choice.dir {
        return std::path::absolute(dir).context(format!("cannot find {}", dir.display()));
    }
    let config = crate::config::Config::load(&session.state.join(crate::config::FILE_NAME))?;
    let (name, library) = config.library(choice.library.as_deref())?;
    Connection::new(library, &session.state)?
        .virtual_folder()
        .map(Path::to_owned)
        .ok_or_else(|| Error::usage(format!("library \"{name}\" is a real one")))
}

fn operator(folder: &Path) -> Result<Operator> {
    Operator::connect_or_start(folder, &virtual_server(folder)?)
        .context("cannot reach the virtual library")
}

fn ask(operator: &Operator, request: &Request) -> Result<Response> {
    operator
        .ask(request)
        .map_err(|error| Error::failed("the virtual library refuses").because(error))
}

fn plan(operator: &Operator, at: Place, fault: Fault) -> Result<()> {
    let faults = vec![PlannedFault { at, fault }];
    ask(operator, &Request::SetFaults { faults }).map(|_| ())
}

fn new_cartridge(barcode: &Barcode, capacity: u64, worm: bool) -> CartridgeSpec {
    let mut spec = CartridgeSpec::labelled(barcode.as_str());
    if let CartridgeKind::Data { worm: once, .. } = &mut spec.kind {
        *once |= worm;
        spec.capacity = Some(capacity);
    }
    spec
}

fn placed(
    session: &Session,
    operator: &Operator,
    request: &Request,
    barcode: &Barcode,
    verb: &str,
) -> Result<()> {
    match ask(operator, request)? {
        Response::Placed { address, .. } if session.is_json() => {
            output::json(&serde_json::json!({ "barcode": barcode, "address": address }))
        }
        Response::Placed { address, .. } => {
            output::line(format!("{barcode} {verb} element @{address}"))
        }
        other => Err(Error::failed(format!("unexpected answer {other:?}"))),
    }
}

/// A cartridge of the virtual library.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(skip)]
    id: CartridgeId,
    #[serde(skip)]
    kind: Option<ElementKind>,
    barcode: Option<String>,
    place: String,
    address: Option<u16>,
    capacity: u64,
    loads: u32,
    write_protected: bool,
}

fn rows(operator: &Operator) -> Result<Vec<Row>> {
    let Response::Listing { elements, outside } = ask(operator, &Request::List)? else {
        return Err(Error::failed(
            "the virtual library does not list its elements",
        ));
    };
    let mut all: Vec<(CartridgeId, Option<(ElementKind, u16)>)> = elements
        .into_iter()
        .filter_map(|element| {
            let place = (element.kind, element.address);
            element.cartridge.map(|cartridge| (cartridge, Some(place)))
        })
        .collect();
    all.extend(outside.into_iter().map(|cartridge| (cartridge, None)));
    all.into_iter()
        .map(|(id, place)| {
            let request = Request::Cartridge {
                cartridge: id.clone(),
            };
            let Response::Cartridge { record } = ask(operator, &request)? else {
                return Err(Error::failed(format!("no record of {id:?}")));
            };
            Ok(Row {
                id,
                kind: place.map(|(kind, _)| kind),
                barcode: record.barcode.clone(),
                place: place
                    .map_or_else(|| "outside".to_owned(), |(kind, _)| word(kind).to_owned()),
                address: place.map(|(_, address)| address),
                capacity: record.capacity,
                loads: record.loads,
                write_protected: record.write_protected,
            })
        })
        .collect()
}

fn word(kind: ElementKind) -> &'static str {
    match kind {
        ElementKind::MediumTransport => "robot",
        ElementKind::Storage => "slot",
        ElementKind::ImportExport => "mail",
        ElementKind::DataTransfer => "drive",
    }
}

fn find(operator: &Operator, barcode: &Barcode) -> Result<Row> {
    let mut rows = rows(operator)?;
    // Some libraries read a label without the two characters of its media id.
    let is = |row: &Row, cut: usize| {
        let label = row.barcode.as_deref();
        let end = label.map_or(0, |label| label.len().saturating_sub(cut));
        label.and_then(|label| label.get(..end)) == Some(barcode.as_str())
    };
    rows.iter()
        .position(|row| is(row, 0))
        .or_else(|| rows.iter().position(|row| is(row, 2)))
        .map(|at| rows.swap_remove(at))
        .ok_or_else(|| {
            Error::usage(format!("the virtual library has no cartridge {barcode}"))
                .hint("\"tapeward sim list\" shows all; --new makes one")
        })
}

fn list(session: &Session, operator: &Operator) -> Result<()> {
    let rows = rows(operator)?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("PLACE"),
            Column::Number("ADDRESS"),
            Column::Number("CAPACITY"),
            Column::Number("LOADS"),
            Column::Text("REMARK"),
        ],
        rows.into_iter()
            .map(|row| {
                vec![
                    or_dash(row.barcode),
                    row.place,
                    or_dash(row.address),
                    size(row.capacity),
                    row.loads.to_string(),
                    if row.write_protected {
                        "write-protected".to_owned()
                    } else {
                        String::new()
                    },
                ]
            })
            .collect(),
        "The virtual library has no cartridges.",
    )
}

fn dump(session: &Session, folder: &Path, barcode: &Barcode, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).context(format!("cannot create {}", to.display()))?;
    let operator = operator(folder)?;
    let id = find(&operator, barcode)?.id;
    let files = tapeward_sim::dump(folder, &id, to).context(format!("cannot dump {barcode}"))?;
    if session.is_json() {
        return output::json(&files);
    }
    output::line(format!(
        "{} tape files of {barcode} are in {}",
        files.len(),
        to.display()
    ))?;
    std::io::stdout()
        .flush()
        .context("cannot write to standard output")
}
