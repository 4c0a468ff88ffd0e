//! Real clients, through the whole program, against real servers.

mod bypasses;
mod house;
