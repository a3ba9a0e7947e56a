//! Idle TCP connections.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::arguments::Arguments;
use crate::fault::Fault;

/// Connections that come from one address: a server may admit no more of one source.
const PER_SOURCE: u32 = 250;

/// Opens the connections, says so, and holds them until standard input ends.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let server = arguments.address("server")?;
    let count: u32 = arguments.required("count")?;
    let connections: Vec<TcpStream> =
        (0..count).map(|number| connect(number, server)).collect::<Result<_, _>>()?;
    println!("opened {}", connections.len());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Sources are 127.0.1.1, 127.0.1.2 and so on, all of them the loopback.
fn connect(number: u32, server: SocketAddrV4) -> Result<TcpStream, Fault> {
    let source = u32::from(Ipv4Addr::new(127, 0, 1, 1)) + number / PER_SOURCE;
    let source = SocketAddrV4::new(source.into(), 0);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(source).into())?;
    socket.connect(&SocketAddr::from(server).into())?;
    Ok(socket.into())
}
