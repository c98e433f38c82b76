"""The pages, and what they share: streamlit only, no maths, no markup."""
