"""Plain records to HTML, Altair and Plotly; knows neither torch nor streamlit."""
