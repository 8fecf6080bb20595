//! `license-portal serve`.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::{net::TcpListener, signal::unix, sync::watch};

use super::Options;
use crate::{
    hook::Teller,
    mail::outbox::Postman,
    pin_hash::PinHasher,
    web::{
        self,
        server::{self, Limits},
    },
};

/// Serves until SIGTERM or SIGINT, then finishes the requests and the batch of mails in progress.
pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    options.create().await?;
    let portal = Arc::new(options.open_to_sign().await?);
    let listen = options.listen();
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| listen.to_string())?;
    let address = listener.local_addr()?;
    if options.development {
        tracing::warn!(
            "signing with the published development key: only development builds of the app accept these licenses"
        );
    }
    for missing in &portal.settings.missing {
        tracing::warn!("no license can be sold: {missing}");
    }
    let (stop, stopped) = watch::channel(false);
    let postman = portal
        .courier
        .clone()
        .map(|courier| Postman::new(Arc::clone(&portal), courier))
        .transpose()?;
    let delivery = tokio::spawn({
        let mut stopped = stopped.clone();
        async move {
            match postman {
                Some(postman) => postman.run(stopped).await,
                None => drop(stopped.wait_for(|stop| *stop).await),
            }
        }
    });
    let telling = tokio::spawn({
        let (teller, stopped) = (Teller::new(Arc::clone(&portal)), stopped.clone());
        async move { teller.run(stopped).await }
    });
    let (memory_mib, waiting) = PinHasher::limits();
    tracing::info!(
        memory_mib,
        waiting,
        "the most memory for PIN hashes, and the most PINs that wait"
    );
    // A service manager may have closed it.
    let _unread = super::say(format_args!("serving on http://{address}"));
    let limits = Limits::of_this_process();
    tracing::info!(
        connections = limits.connections,
        "the most connections at once"
    );
    let server = tokio::spawn(server::serve(
        listener,
        web::router(portal),
        limits,
        stopped,
    ));
    let (mut server, mut delivery, mut telling) = (server, delivery, telling);
    // If one part ends unexpectedly, the program ends, so that the service manager restarts it.
    tokio::select! {
        signal = signal() => signal?,
        ended = &mut server => bail!("the server ended unexpectedly: {ended:?}"),
        ended = &mut delivery => bail!("the delivery of mails ended unexpectedly: {ended:?}"),
        ended = &mut telling => bail!("telling webhooks ended unexpectedly: {ended:?}"),
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    // Idle connections and slow mails must not delay the shutdown of the machine.
    match tokio::time::timeout(GRACE, async {
        (server.await, delivery.await, telling.await)
    })
    .await
    {
        Ok((server, delivery, telling)) => {
            server.context("server")?;
            delivery.context("delivery")?;
            telling.context("webhooks")?;
        }
        Err(_elapsed) => tracing::warn!("stopped before everything was finished"),
    }
    Ok(())
}

async fn signal() -> anyhow::Result<()> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// How long requests and mails in progress may take after a signal.
const GRACE: std::time::Duration = std::time::Duration::from_secs(40);
