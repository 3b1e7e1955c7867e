use std::sync::Arc;

use super::{ManualClock, Store, Subject, check};
use crate::future::BoxFuture;
use crate::store::{MemoryStore, Retention};

struct Memory;

impl Subject for Memory {
    fn create(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Store> {
        Box::pin(async move {
            let store: Store = Arc::new(MemoryStore::new().clock(clock).retention(retention));
            store
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_promises() {
    check(&Memory).await;
}

#[cfg(feature = "redb")]
mod redb {
    use std::sync::Mutex;

    use super::*;
    use crate::store::RedbStore;

    #[derive(Default)]
    struct File(Mutex<Option<tempfile::TempDir>>);

    impl File {
        async fn open(&self, clock: Arc<ManualClock>, retention: Retention) -> Store {
            let path = self.0.lock().unwrap().as_ref().unwrap().path().join("store");
            Arc::new(RedbStore::open(path).await.unwrap().clock(clock).retention(retention))
        }
    }

    impl Subject for File {
        fn create(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Store> {
            *self.0.lock().unwrap() = Some(tempfile::tempdir().unwrap());
            Box::pin(self.open(clock, retention))
        }

        fn reopen(&self, clock: Arc<ManualClock>, retention: Retention) -> BoxFuture<'_, Option<Store>> {
            Box::pin(async move { Some(self.open(clock, retention).await) })
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn redb_keeps_the_promises() {
        check(&File::default()).await;
    }
}
