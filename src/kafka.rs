//! The options by which collector and loader find Kafka.

use clap::Args;
use kerf_kafka::Cluster;
use kerf_kafka::topics::Layout;

/// Brokers and topics.
#[derive(Args)]
pub(crate) struct Kafka {
    /// Brokers, `host:port`, separated by commas.
    #[arg(long, env = "KAFKA_BROKERS", value_name = "BROKERS")]
    kafka_brokers: String,
    /// A librdkafka property such as security.protocol=SASL_SSL; may be given several times (in the variable: one a
    /// line).
    #[arg(long, env = "KERF_KAFKA_OPTIONS", hide_env_values = true, value_delimiter = '\n', value_name = "NAME=VALUE", value_parser = property)]
    kafka_option: Vec<(String, String)>,
    /// The topic of events; dead letters go to `{topic}.dlq`.
    #[arg(long, env = "KERF_TOPIC", default_value = "kerf.events", value_name = "NAME")]
    pub(crate) topic: String,
    /// Partitions of the topic where it has to be created.
    #[arg(long, env = "KERF_TOPIC_PARTITIONS", default_value_t = Layout::default().partitions, value_name = "NUMBER")]
    topic_partitions: i32,
    /// Copies of each partition where the topic has to be created [default: as many as there are brokers, at most 3].
    #[arg(long, env = "KERF_TOPIC_REPLICATION", value_name = "NUMBER")]
    topic_replication: Option<i32>,
}

impl Kafka {
    /// The brokers with their options.
    pub(crate) fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::new(self.kafka_brokers.clone());
        cluster.options.extend(self.kafka_option.iter().cloned());
        cluster
    }

    /// How topics are created.
    pub(crate) fn layout(&self) -> Layout {
        Layout { partitions: self.topic_partitions, replication: self.topic_replication }
    }
}

fn property(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("'{text}' has no '='"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
